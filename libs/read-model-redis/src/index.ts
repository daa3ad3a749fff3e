export { BATCH_EVENTS_ADVISED, type RedisReadModelOptions } from './options.js';
export { openRedisReadModel } from './redis-read-model.js';
