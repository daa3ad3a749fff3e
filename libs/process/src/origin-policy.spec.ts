import { OriginPolicy, type OriginRules } from './origin-policy.js';

const LOCAL: OriginRules = { host: '127.0.0.1', allowedHosts: [], corsOrigins: null };
const OPEN: OriginRules = { host: '0.0.0.0', allowedHosts: [], corsOrigins: ['https://app.example'] };
const here = '127.0.0.1:3000';

describe('the policy on where requests come from', () => {
  it.each<[string, OriginRules, string, Record<string, string>]>([
    ['no browser', LOCAL, 'POST', { host: here }],
    ['no Host', LOCAL, 'POST', {}],
    ['localhost', LOCAL, 'GET', { host: 'localhost:3000' }],
    ['a name below localhost', LOCAL, 'GET', { host: 'gifts.localhost:3000' }],
    ['another loopback address', LOCAL, 'GET', { host: '127.9.9.9' }],
    ['IPv6', LOCAL, 'GET', { host: '[::1]:3000' }],
    ['a page of another port of this machine', LOCAL, 'POST', { host: here, origin: 'http://localhost:5173' }],
    ['a host that is listed', { ...LOCAL, allowedHosts: ['gifts.test'] }, 'POST', { host: 'Gifts.test:3000' }],
    ['any host, where it listens for others', OPEN, 'GET', { host: '10.1.2.3:3000' }],
    [
      'an origin that is listed',
      OPEN,
      'POST',
      { host: 'a.test', origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
    ],
    ['its own page behind TLS', OPEN, 'POST', { host: 'gifts.test', origin: 'https://gifts.test' }],
    [
      'a link from elsewhere',
      LOCAL,
      'GET',
      { host: here, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    ],
    ['a request of the same site', LOCAL, 'GET', { host: here, 'sec-fetch-site': 'same-origin' }],
  ])('lets through: %s', (_, rules, method, headers) => {
    expect(new OriginPolicy(rules).refusal({ method, headers })).toBeNull();
  });

  it.each<[string, OriginRules, string, Record<string, string>, RegExp]>([
    ['a rebound name', LOCAL, 'GET', { host: 'evil.example:3000' }, /Host/],
    [
      'a rebound name with its own origin',
      LOCAL,
      'POST',
      { host: 'evil.example', origin: 'http://evil.example' },
      /Host/,
    ],
    ['a name that begins alike', LOCAL, 'GET', { host: '127.0.0.1.evil.example' }, /Host/],
    ['a name that ends alike', LOCAL, 'GET', { host: 'evillocalhost' }, /Host/],
    ['a user before the name', LOCAL, 'GET', { host: 'localhost@evil.example' }, /Host/],
    ['an empty name', LOCAL, 'GET', { host: '' }, /Host/],
    ['a host that is not listed', { ...OPEN, allowedHosts: ['gifts.test'] }, 'GET', { host: 'other.test' }, /Host/],
    ['a page of elsewhere', LOCAL, 'POST', { host: here, origin: 'https://evil.example' }, /Origin/],
    ['a page of elsewhere that reads', LOCAL, 'GET', { host: here, origin: 'https://evil.example' }, /Origin/],
    ['a page without an origin', LOCAL, 'POST', { host: here, origin: 'null' }, /Origin/],
    ['an origin that begins alike', LOCAL, 'POST', { host: here, origin: 'http://localhost.evil.example' }, /Origin/],
    ['an origin that is not listed', OPEN, 'POST', { host: 'a', origin: 'http://localhost:5173' }, /Origin/],
    [
      'a form of another site',
      LOCAL,
      'POST',
      { host: here, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      /another site/,
    ],
    [
      'a picture of another site',
      LOCAL,
      'GET',
      { host: here, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      /another site/,
    ],
  ])('refuses: %s', (_, rules, method, headers, says) => {
    expect(new OriginPolicy(rules).refusal({ method, headers })).toMatch(says);
  });
});

describe('the list of origins', () => {
  const policy = (...corsOrigins: string[]): OriginPolicy => new OriginPolicy({ ...OPEN, corsOrigins });

  it.each([
    ['https://*.example.com', 'https://a.example.com'],
    ['https://*.example.com', 'https://a.b-c.example.com'],
    ['https://*.example.com:8443', 'https://a.example.com:8443'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['ionic://localhost', 'ionic://localhost'],
    ['null', 'null'],
  ])('%s allows %s', (allowed, origin) => {
    expect(policy(allowed).isAllowed(origin)).toBe(true);
  });

  it.each([
    ['https://*.example.com', 'https://example.com'],
    ['https://*.example.com', 'http://a.example.com'],
    ['https://*.example.com', 'https://a.example.com.evil'],
    ['https://*.example.com', 'https://evil.test/.example.com'],
    ['https://*.example.com', 'https://evil.test#.example.com'],
    ['https://*.example.com', 'https://a.example.com:8443'],
    ['https://app.example', 'https://app.example:8443'],
    ['https://app.example', 'null'],
  ])('%s does not allow %s', (allowed, origin) => {
    expect(policy(allowed).isAllowed(origin)).toBe(false);
  });
});
