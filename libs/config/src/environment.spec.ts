import { ConfigurationError } from './configuration-error.js';
import { readEnvironment, readVariables } from './environment.js';

describe('the environment', () => {
  it('has a default for everything', () => {
    expect(readEnvironment({})).toEqual({
      host: '127.0.0.1',
      port: 3000,
      dataDir: './data',
      profile: 'embedded',
      boardUtcOffset: '+00:00',
      corsOrigins: null,
      allowedHosts: [],
      boardRetentionMs: null,
      logLevel: 'info',
      eventStoreUrl: null,
      eventStoreAnswerMsMax: 3_000,
      redisUrl: null,
      kafkaBrokers: null,
      kafkaTls: false,
      kafkaLogin: null,
      kafkaTopicPartitions: 12,
      kafkaReplicationFactor: 1,
      consumerStallMsMax: 15_000,
      drainMsMax: 10_000,
      clockSkewMsMax: 10_000,
      streakWindowMs: 3_000,
      creatorShareBps: 5_000,
      bodyBytesMax: 65_536,
      bulkBodyBytesMax: 16_777_216,
      bulkLinesMax: 10_000,
      snapshotEveryEvents: 1_000_000,
      readModelSubjectsMax: 1_000_000,
    });
  });

  it('is frozen', () => {
    expect(Object.isFrozen(readEnvironment({ CORS_ORIGINS: 'https://a.example' }))).toBe(true);
  });

  it('reads lists between commas, and takes an empty variable as absent', () => {
    const environment = readEnvironment({ CORS_ORIGINS: 'https://a.example, http://localhost:5173', HOST: '' });
    expect(environment.corsOrigins).toEqual(['https://a.example', 'http://localhost:5173']);
    expect(environment.host).toBe('127.0.0.1');
  });

  it.each([
    ['PORT', '65536', 'isPort'],
    ['PORT', 'http', 'isPort'],
    ['PROFILE', 'both', 'isIn'],
    ['BOARD_UTC_OFFSET', '+15:00', 'matches'],
    ['BOARD_UTC_OFFSET', '2h', 'matches'],
    ['CORS_ORIGINS', '*', 'isOrigins'],
    ['CORS_ORIGINS', 'https://a.example/', 'isOrigins'],
    ['CORS_ORIGINS', 'https://a.example/path', 'isOrigins'],
    ['CORS_ORIGINS', 'https://A.example', 'isOrigins'],
    ['CORS_ORIGINS', 'https://a.example:443', 'isOrigins'],
    ['CORS_ORIGINS', 'http://a.example:80', 'isOrigins'],
    ['CORS_ORIGINS', 'a.example', 'isOrigins'],
    ['CORS_ORIGINS', 'https://*', 'isOrigins'],
    ['CORS_ORIGINS', 'https://*.com', 'isOrigins'],
    ['CORS_ORIGINS', 'https://a.*.com', 'isOrigins'],
    ['CORS_ORIGINS', 'https://a.example:70000', 'isOrigins'],
    ['ALLOWED_HOSTS', 'gifts.test:3000', 'matches'],
    ['ALLOWED_HOSTS', 'Gifts.test', 'matches'],
    ['LOG_LEVEL', 'loud', 'isIn'],
    ['DRAIN_MS_MAX', '1e4', 'isInt'],
    ['CLOCK_SKEW_MS_MAX', '1999', 'min'],
    ['BOARD_RETENTION_DAYS', 'forever', 'isInt'],
    ['EVENTSTORE_URL', 'http://me:pass@store:2113', 'matches'],
    ['EVENTSTORE_URL', 'esdb://me:pass@', 'matches'],
    ['REDIS_URL', 'redis://:pass@cache', 'matches'],
    ['REDIS_URL', 'cache:6379', 'matches'],
    ['EVENTSTORE_URL', 'esdb://me@store:2113', 'matches'],
    ['EVENTSTORE_URL', 'esdb://me:100%@store:2113', 'matches'],
    ['REDIS_URL', 'redis://me:p@ss@cache:6379', 'matches'],
    ['REDIS_URL', 'redis://me:100%@cache:6379', 'matches'],
    ['REDIS_URL', 'redis://cache:65536', 'matches'],
    ['KAFKA_BROKERS', 'broker:0', 'matches'],
    ['KAFKA_BROKERS', 'kafka', 'matches'],
    ['KAFKA_BROKERS', 'kafka://broker:9092', 'matches'],
    ['KAFKA_TLS', 'yes', 'isIn'],
    ['KAFKA_SASL_MECHANISM', 'oauthbearer', 'isIn'],
    ['KAFKA_SASL_USER', 'livegift\n', 'matches'],
    ['KAFKA_SASL_PASSWORD', 'hidden\n', 'matches'],
    ['KAFKA_TOPIC_PARTITIONS', '0', 'min'],
    ['KAFKA_REPLICATION_FACTOR', 'all', 'isInt'],
    ['BULK_LINES_MAX', '0', 'min'],
  ])('refuses %s=%s by the rule %s, without saying the value', (key, value, rule) => {
    let thrown: unknown;
    try {
      readEnvironment({ [key]: value });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigurationError);
    const { faults, message } = thrown as ConfigurationError;
    expect(faults).toContainEqual({ key, rule, message: expect.stringMatching(`^${key} (must|is required)`) });
    expect(message).not.toContain(value);
  });

  it.each([
    ['EVENTSTORE_URL', 'esdb://127.0.0.1:2113?tls=false'],
    ['EVENTSTORE_URL', 'esdb+discover://me:p%40ss@store.example:2113/?tls=true&tlsCAFile=/etc/ca.pem'],
    ['EVENTSTORE_URL', 'esdb://a:2113,b:2113,c:2113'],
    ['REDIS_URL', 'redis://127.0.0.1:6379'],
    ['REDIS_URL', 'rediss://me:p%40ss@a:6379,b:6379/2'],
    ['REDIS_URL', 'redis://:secret@cache:6379/0'],
    ['REDIS_URL', 'redis://:what?@[::1]:6379'],
    ['KAFKA_BROKERS', 'a:9092, b:65535'],
    ['CORS_ORIGINS', 'https://*.example.com, capacitor://localhost,ionic://localhost, null'],
    ['CORS_ORIGINS', 'http://[::1]:8080, https://a.example:8443'],
    ['ALLOWED_HOSTS', 'gifts.test, 10.1.2.3'],
  ])('takes %s=%s', (key, value) => {
    expect(() => readEnvironment({ [key]: value })).not.toThrow();
  });

  describe('a login to Kafka', () => {
    const login = {
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USER: 'livegift',
      KAFKA_SASL_PASSWORD: 'p@ss, word=1',
    };

    it('is read as it stands', () => {
      const { kafkaLogin, kafkaTls } = readEnvironment({ ...login, KAFKA_TLS: 'true' });
      expect(kafkaLogin).toEqual({ mechanism: 'scram-sha-512', user: 'livegift', password: 'p@ss, word=1' });
      expect(kafkaTls).toBe(true);
      expect(Object.isFrozen(kafkaLogin)).toBe(true);
    });

    it.each(Object.keys(login) as (keyof typeof login)[])('is all of its keys or none: %s', (key) => {
      const others = Object.keys(login).filter((other) => other !== key);
      expect(readVariables({ ...login, [key]: '' }).faults).toEqual([
        { key, rule: 'isDefined', message: `${key} is required` },
      ]);
      expect(readVariables({ [key]: login[key] }).faults).toEqual(
        others.map((other) => ({ key: other, rule: 'isDefined', message: `${other} is required` })),
      );
    });
  });

  it.each(['-12:00', '+14:00', '+05:30', '-00:00'])('takes the offset %s', (offset) => {
    expect(readEnvironment({ BOARD_UTC_OFFSET: offset }).boardUtcOffset).toBe(offset);
  });
});
