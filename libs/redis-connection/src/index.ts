export { connectRedis, redisProblem, type RedisClient, type RedisClientOptions } from './redis-client.js';
export { parseRedisUrl, type RedisAddress, type RedisNode } from './redis-url.js';
