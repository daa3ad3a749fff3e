/*
 * All scripts of this adapter. KEYS[1] is the checkpoint of a partition: it says to which slot, and so to which node, a call
 * goes. Other keys stand in the arguments, under the same hash tag (see `Commands.besides`). Every script is atomic; none computes: numbers of Lua
 * hold neither a position nor, as text, a score. Commands come as one JSON text, see `Commands`.
 */

/** In this order `answerOf` reads them. */
export const CHECKPOINT_FIELDS = [
  'storeId',
  'position',
  'built',
  'dropping',
  'newestRecordedMs',
  'cutMs',
  'layout',
] as const;

const CHECKPOINT = `redis.call('HMGET', KEYS[1], ${CHECKPOINT_FIELDS.map((field) => `'${field}'`).join(', ')})`;

/** ARGV: commands. The checkpoint, then what each command reads, all as of one instant. */
const READ = `
local answers = {${CHECKPOINT}}
for index, command in ipairs(cjson.decode(ARGV[1])) do
  answers[index + 1] = redis.call(unpack(command))
end
return answers`;

/**
 * ARGV: store id, from, to, layout, newestRecordedMs ('' without), retentionMs ('' without), how many expired boards to free,
 * how their keys begin, commands. KEYS[2]: `made`. Answers 1, or the stored checkpoint when it is not \`from\`.
 * What was written before a command that fails stays written: such a partition is dropped, so that nobody counts on it.
 */
const APPLY = `
local stored = ${CHECKPOINT}
if (stored[2] or '') ~= ARGV[2] or (stored[1] or ARGV[1]) ~= ARGV[1] or (stored[7] or ARGV[4]) ~= ARGV[4] or stored[4] then
  return stored
end
for index, command in ipairs(cjson.decode(ARGV[9])) do
  local answer = redis.pcall(unpack(command))
  if type(answer) == 'table' and answer.err then
    if index > 1 then
      redis.call('DEL', KEYS[1])
      redis.call('HSET', KEYS[1], 'dropping', '1')
    end
    return answer
  end
end
redis.call('HSET', KEYS[1], 'storeId', ARGV[1], 'position', ARGV[3], 'layout', ARGV[4])
local newest = tonumber(stored[5] or ARGV[5])
if ARGV[5] ~= '' and (not stored[5] or tonumber(ARGV[5]) > newest) then
  newest = tonumber(ARGV[5])
  redis.call('HSET', KEYS[1], 'newestRecordedMs', ARGV[5])
end
if newest and ARGV[6] ~= '' then
  local cut = newest - tonumber(ARGV[6])
  if stored[6] and tonumber(stored[6]) > cut then cut = tonumber(stored[6]) end
  local text = string.format('%.0f', cut)
  if text ~= stored[6] then redis.call('HSET', KEYS[1], 'cutMs', text) end
  local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', text, 'LIMIT', 0, ARGV[7])
  for _, name in ipairs(expired) do
    redis.call('UNLINK', ARGV[8] .. name, ARGV[8] .. 'places:' .. string.sub(name, 7))
    redis.call('ZREM', KEYS[2], name)
  end
end
return 1`;

/**
 * ARGV: '1' to begin, how many keys to free, how keys begin, then the keys that are always there. A partition that is dropped
 * holds nothing from the first call on; its keys are freed bit by bit, by whoever calls. Answers 1 while some are left.
 */
const DROP = `
if ARGV[1] == '1' then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'dropping', '1')
elseif redis.call('HEXISTS', KEYS[1], 'dropping') == 0 then
  return 0
end
local names = redis.call('ZRANGE', KEYS[2], 0, tonumber(ARGV[2]) - 1)
for _, name in ipairs(names) do
  redis.call('UNLINK', ARGV[3] .. name, ARGV[3] .. 'places:' .. string.sub(name, 7))
end
if #names > 0 then
  redis.call('ZREM', KEYS[2], unpack(names))
  return 1
end
redis.call('UNLINK', unpack(ARGV, 4))
redis.call('HDEL', KEYS[1], 'dropping')
return 0`;

/** ARGV: store id and position that must have been reached, both '' for none. Answers 1, or the stored checkpoint. */
const MARK_BUILT = `
local stored = ${CHECKPOINT}
if stored[4] then return stored end
if ARGV[1] ~= '' and (stored[1] ~= ARGV[1] or stored[2] < ARGV[2]) then return stored end
if not stored[3] then redis.call('HSET', KEYS[1], 'built', '1') end
return 1`;

/**
 * A page of a board. KEYS: checkpoint, board, places, then the names and the checkpoint beside them, where one call may read
 * them. ARGV: limit, first rank, around ('' without), member ('' without). Answers the checkpoint, the total, the first rank
 * from 0, members with scores, the own rank or nil, the own member with its score, names, the checkpoint of the names.
 */
const BOARD = `
local function rank(id)
  local place = redis.call('HGET', KEYS[3], id)
  if not place then return false end
  return redis.call('ZREVRANK', KEYS[2], string.match(place, ':(.*)') .. ':' .. id)
end
local total = redis.call('ZCARD', KEYS[2])
local limit, first = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1
if ARGV[3] ~= '' then
  local middle = rank(ARGV[3])
  first = middle and math.max(0, math.min(total - limit, middle - math.floor(limit / 2))) or total
end
local page = redis.call('ZREVRANGE', KEYS[2], first, first + limit - 1, 'WITHSCORES')
local own = ARGV[4] ~= '' and rank(ARGV[4])
local ownPage = own and redis.call('ZREVRANGE', KEYS[2], own, own, 'WITHSCORES') or {}
local answer = {${CHECKPOINT}, total, first, page, own, ownPage}
if KEYS[4] then
  local ids = {}
  for i = 1, #page, 2 do ids[#ids + 1] = string.match(page[i], '[^:]*$') end
  if own then ids[#ids + 1] = ARGV[4] end
  answer[7] = #ids > 0 and redis.call('HMGET', KEYS[4], unpack(ids)) or {}
  answer[8] = redis.call('HGET', KEYS[5], 'built')
end
return answer`;

/** As ioredis takes them: sent as EVALSHA, and as EVAL when a server does not know one (after a restart or a failover). */
export const SCRIPTS = {
  livegiftRead: { lua: READ },
  livegiftApply: { lua: APPLY },
  livegiftDrop: { lua: DROP, numberOfKeys: 2 },
  livegiftMarkBuilt: { lua: MARK_BUILT, numberOfKeys: 1 },
  livegiftBoard: { lua: BOARD },
} as const;

export type ScriptName = keyof typeof SCRIPTS;
