"""The Lua sources of limits in Redis; see ``redis/limits.py`` for the keys.

``LIMITS`` is a piece of the script that commits a step, so a place is taken and given back in that step. The
places of tasks follow the same rules (``_RULES``); what a place is for makes the difference (``limit_admit``).
"""

from __future__ import annotations

from selinon_core.celery.stores.delivery_rules import WAKEUP_BACKOFF
from selinon_core.celery.stores.outbox_keys import BEGIN_FLOW, SEND_TASK
from selinon_core.celery.stores.protocol import OUT_OF_REACH

#: ``S`` is the prefix of the store.
_LOOK_BY = """
local function limit_look_by(run, due)
  local known = redis.call('ZSCORE', S .. 'due_index', run)
  if not known or tonumber(known) > due then
    redis.call('ZADD', S .. 'due_index', string.format('%.6f', due), run)
  end
end
"""

_OF_RUNS = f"""
local L = S .. 'limit:'
local function limit_admit(run, now)
  if redis.call('HGET', S .. 'f:' .. run .. ':h', 'status') ~= 'running' then return false end
  redis.call('ZADD', S .. 'f:' .. run .. ':t', now, '{BEGIN_FLOW}')
  limit_look_by(run, now + {WAKEUP_BACKOFF})
  return true
end
"""

#: What has a place is a node run: its number and its run.
_OF_TASKS = f"""
local L = S .. 'task_limit:'
local function limit_admit(holder, now)
  local number, run = string.match(holder, '^(%d+):(.*)$')
  local R = S .. 'f:' .. run
  local h = redis.call('HMGET', R .. ':h', 'status', 'inbox_threshold')
  if not h[1] or h[1] == 'cancelled' then return false end
  local record = redis.call('HGET', R .. ':n', number)
  if record and string.sub(record, 1, 1) == 'D' then return false end
  local timer = '{SEND_TASK}' .. number
  if redis.call('ZSCORE', R .. ':t', timer) then
    redis.call('ZADD', R .. ':t', now, timer)
    limit_look_by(run, now + {WAKEUP_BACKOFF})
  end
  return h[1] ~= 'running' or (tonumber(h[2]) or 0) < {OUT_OF_REACH}
end
"""

#: Functions that change places. A place is kept as the JSON text of a list: key, run, name, queue, priority, at.
_RULES = """
local function limit_count(text, by) redis.call('HINCRBY', L .. 'names', cjson.decode(text)[3], by) end
local function limit_holds(key, run) return redis.call('ZSCORE', L .. 'h:' .. key, run) end
local function limit_refuses(limit)
  local key, run = limit.place[1], limit.place[2]
  if limit.action == 'begin' then return not limit_holds(key, run) end
  return limit.action == 'take' and not limit_holds(key, run)
    and (redis.call('ZCARD', L .. 'w:' .. key) > 0 or redis.call('ZCARD', L .. 'h:' .. key) >= limit.max)
end
local function limit_grant(key, now, own)
  local given, most = {}, tonumber(redis.call('HGET', L .. 'max', key)) or 0
  local holders, waiting = L .. 'h:' .. key, L .. 'w:' .. key
  while redis.call('ZCARD', holders) < most do
    local run = redis.call('ZRANGE', waiting, 0, 0)[1]
    if not run then break end
    local text = redis.call('HGET', L .. 'places', run)
    redis.call('ZREM', waiting, run)
    limit_count(text, -1)
    if run ~= own and not limit_admit(run, now) then
      redis.call('HDEL', L .. 'places', run)
    else
      redis.call('ZADD', holders, string.format('%.6f', cjson.decode(text)[6]), run)
      given[#given + 1] = text
    end
  end
  if redis.call('ZCARD', waiting) == 0 then redis.call('SREM', L .. 'keys', key)
  else redis.call('SADD', L .. 'keys', key) end
  return given
end
local function limit_leave(key, run, now)
  redis.call('ZREM', L .. 'h:' .. key, run)
  if redis.call('ZREM', L .. 'w:' .. key, run) == 1 then
    limit_count(redis.call('HGET', L .. 'places', run), -1)
  end
  redis.call('HDEL', L .. 'places', run)
  local given = limit_grant(key, now)
  if redis.call('EXISTS', L .. 'h:' .. key, L .. 'w:' .. key) == 0 then redis.call('HDEL', L .. 'max', key) end
  return given
end
local function limit_ask(key, run, text, score)
  if limit_holds(key, run) or redis.call('ZSCORE', L .. 'w:' .. key, run) then return end
  redis.call('HSET', L .. 'places', run, text)
  redis.call('ZADD', L .. 'w:' .. key, score, run)
  limit_count(text, 1)
end
local function limit_apply(limit, now)
  local key, run = limit.place[1], limit.place[2]
  if limit.action == 'end' then return false, limit_leave(key, run, now) end
  redis.call('HSET', L .. 'max', key, limit.max)
  limit_ask(key, run, limit.text, limit.score)
  local others = {}
  for _, text in ipairs(limit_grant(key, now)) do
    if cjson.decode(text)[2] ~= run then others[#others + 1] = text end
  end
  return limit_holds(key, run) and true or false, others
end
"""

LIMITS = _LOOK_BY + _OF_RUNS + _RULES
_TASK_LIMITS = (
    """
local S = KEYS[1]
"""
    + _LOOK_BY
    + _OF_TASKS
    + _RULES
)

#: ARGV: now, and how many places to look at.
TEND = (
    """
local S = KEYS[1]
"""
    + LIMITS
    + """
local now, granted = tonumber(ARGV[1]), {}
local function add(texts) for _, text in ipairs(texts) do granted[#granted + 1] = text end end
local cursor = redis.call('GET', L .. 'cursor') or '0'
local found = redis.call('HSCAN', L .. 'places', cursor, 'COUNT', ARGV[2])
redis.call('SET', L .. 'cursor', found[1])
for i = 1, #found[2], 2 do
  local run = found[2][i]
  if redis.call('HGET', S .. 'f:' .. run .. ':h', 'status') ~= 'running' then
    add(limit_leave(cjson.decode(found[2][i + 1])[1], run, now))
  end
end
for _, key in ipairs(redis.call('SRANDMEMBER', L .. 'keys', ARGV[2])) do add(limit_grant(key, now)) end
return granted
"""
)

#: ARGV: now, a key and its new maximum.
ALLOW = (
    """
local S = KEYS[1]
"""
    + LIMITS
    + """
local now, key = tonumber(ARGV[1]), ARGV[2]
redis.call('HSET', L .. 'max', key, ARGV[3])
local granted = limit_grant(key, now)
if redis.call('EXISTS', L .. 'h:' .. key, L .. 'w:' .. key) == 0 then redis.call('HDEL', L .. 'max', key) end
return granted
"""
)

#: ARGV: a key, and the part of the prefix that places have. The answer: its maximum, and the texts of those who
#: hold a place and who wait.
STATE = """
local L = KEYS[1] .. ARGV[2]
local function texts(set)
  local runs = redis.call('ZRANGE', L .. set .. ':' .. ARGV[1], 0, -1)
  local found = {}
  for begin = 1, #runs, 1000 do
    local part = {}
    for i = begin, math.min(begin + 999, #runs) do part[#part + 1] = runs[i] end
    for _, text in ipairs(redis.call('HMGET', L .. 'places', unpack(part))) do
      if text then found[#found + 1] = text end
    end
  end
  return found
end
return {redis.call('HGET', L .. 'max', ARGV[1]) or '0', texts('h'), texts('w')}
"""

#: ARGV: now, the text of a place, how many there are, and its score while it waits.
CLAIM = (
    _TASK_LIMITS
    + """
local now, text, place = tonumber(ARGV[1]), ARGV[2], cjson.decode(ARGV[2])
local key, run, others = place[1], place[2], {}
local before = redis.call('HGET', L .. 'places', run)
if before and cjson.decode(before)[1] ~= key then others = limit_leave(cjson.decode(before)[1], run, now) end
redis.call('HSET', L .. 'max', key, ARGV[3])
limit_ask(key, run, text, ARGV[4])
for _, given in ipairs(limit_grant(key, now, run)) do
  if cjson.decode(given)[2] ~= run then others[#others + 1] = given end
end
if not limit_holds(key, run) then return {0, others} end
redis.call('HSET', L .. 'places', run, text)
redis.call('ZADD', L .. 'h:' .. key, string.format('%.6f', place[6]), run)
return {1, others}
"""
)

#: ARGV: now, the text of a place.
GIVE_BACK = (
    _TASK_LIMITS
    + """
local place = cjson.decode(ARGV[2])
if redis.call('HGET', L .. 'places', place[2]) ~= ARGV[2] then return {} end
return limit_leave(place[1], place[2], tonumber(ARGV[1]))
"""
)

#: ARGV: texts of places. The answer: for each whether it is held.
HELD = (
    _TASK_LIMITS
    + """
local held = {}
for number, text in ipairs(ARGV) do
  local place = cjson.decode(text)
  held[number] = limit_holds(place[1], place[2]) and 1 or 0
end
return held
"""
)
