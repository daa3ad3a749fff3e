import { createTelemetry } from './telemetry.js';

function lines(): { written: Record<string, unknown>[]; write(line: string): void } {
  const written: Record<string, unknown>[] = [];
  return { written, write: (line) => written.push(JSON.parse(line) as Record<string, unknown>) };
}

describe('telemetry', () => {
  it('writes structured lines with level, time and app', () => {
    const destination = lines();
    createTelemetry({ level: 'info', app: 'spec', destination }).info('started', { correlationId: 'c-1' });
    expect(destination.written).toHaveLength(1);
    expect(destination.written[0]).toMatchObject({ level: 'info', app: 'spec', msg: 'started', correlationId: 'c-1' });
    expect(destination.written[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it('never writes keys, payments or what people say', () => {
    const destination = lines();
    createTelemetry({ level: 'info', app: 'spec', destination }).warn('refused', {
      idempotencyKey: 'secret-1',
      body: { message: 'secret-2', paymentId: 'secret-3' },
    });
    expect(JSON.stringify(destination.written)).not.toContain('secret');
  });

  it('keeps counters, gauges and histograms of seconds under one prefix', async () => {
    const telemetry = createTelemetry({ level: 'silent', app: 'spec' });
    telemetry.count('log_readers_refused_total');
    telemetry.count('log_readers_refused_total', 2);
    telemetry.gauge('log_readers', 7);
    telemetry.observe('append_duration_seconds', 0.002);
    const text = await telemetry.metricsText();
    expect(text).toContain('livegift_log_readers_refused_total 3');
    expect(text).toContain('livegift_log_readers 7');
    expect(text).toContain('livegift_append_duration_seconds_count 1');
  });

  it('does not write below its level', () => {
    const destination = lines();
    createTelemetry({ level: 'error', app: 'spec', destination }).info('quiet');
    expect(destination.written).toEqual([]);
  });
});
