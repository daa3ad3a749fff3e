import { ASYNC_API } from './async-api.js';
import { CLOSES } from './closes.js';

describe('the closes of a room', () => {
  it.each(Object.entries(CLOSES))('%s keeps to the ranges that tell a client whether to connect again', (_, close) => {
    const { code, comesBack } = close;
    expect(comesBack).toBe(code === 1012 || (code >= 4000 && code < 4500));
  });

  it('have one name, one code and one reason each, that fits into a close frame', () => {
    const closes = Object.values(CLOSES);
    expect(new Set(closes.map(({ code }) => code)).size).toBe(closes.length);
    expect(new Set(closes.map(({ reason }) => reason)).size).toBe(closes.length);
    for (const { reason } of closes) expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  });

  it('stand in the AsyncAPI document, each with its reason', () => {
    const description = JSON.stringify(ASYNC_API);
    for (const { code, reason } of Object.values(CLOSES)) expect(description).toContain(`${code}: ${reason}`);
  });
});
