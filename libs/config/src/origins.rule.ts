import { ValidateBy } from 'class-validator';

const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };
const PORT_MAX = 65_535;

/** Whether a browser can ever send this as its `Origin`: small letters, no path, no default port. */
export function isOrigin(text: string): boolean {
  if (text === 'null') return true;
  const [, scheme, wildcard, host, port] = ORIGIN.exec(text) ?? [];
  if (scheme === undefined || host === undefined) return false;
  if (wildcard !== undefined && !host.includes('.')) return false;
  return port === undefined || (Number(port) <= PORT_MAX && DEFAULT_PORTS[scheme] !== port);
}

export const IsOrigins = (): PropertyDecorator =>
  ValidateBy({
    name: 'isOrigins',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && value.split(',').every((item) => isOrigin(item.trim())),
      defaultMessage: () =>
        '$property must be origins between commas as browsers send them, such as https://app.example.com or null: ' +
        'scheme and host in small letters, no path, no slash at the end, no default port; a wildcard may stand for the ' +
        'names below a domain',
    },
  });
