"""The Lua sources of the Redis store's steps; each is atomic.

They state the rules of ``delivery_rules`` once more, in the language that the server runs. The letters of outbox
keys and timers are those of ``outbox_keys``.

``KEYS`` are the prefix of the run's keys, the prefix of the store and the id of the run. A run's keys are ``:h``
(header, hash), ``:l`` (log, list), ``:i`` (inbox, list), ``:o`` (outbox, set), ``:n`` (node records, hash), ``:a``
(carrier -> inlined node run, hash), ``:p`` (payloads, hash), ``:t`` (timers, sorted set) and ``:b`` (node runs
that are begun and not done, by when they were last seen, sorted set). A node record is
``delivery,begun_at,attempts,retries,deliveries``, or those behind a ``D`` when the node run is done.

The scripts are in one module because they are put together from common pieces of Lua.

Keys are built inside the scripts: a Redis cluster cannot serve.
"""

from __future__ import annotations

from selinon_core.celery.stores.delivery_rules import MAX_WAKEUP_BACKOFF, WAKEUP_BACKOFF
from selinon_core.celery.stores.protocol import OUT_OF_REACH
from selinon_core.celery.stores.redis.index_scripts import INDEX
from selinon_core.celery.stores.redis.limit_scripts import LIMITS

_LIMITS = f"""
local WAKEUP_BACKOFF, MAX_WAKEUP_BACKOFF = {WAKEUP_BACKOFF}, {MAX_WAKEUP_BACKOFF}
local function backoff(wakeups_sent)
  return math.min(WAKEUP_BACKOFF * 2 ^ wakeups_sent, MAX_WAKEUP_BACKOFF)
end
local function is_paused(inbox_threshold) return (tonumber(inbox_threshold) or 0) >= {OUT_OF_REACH} end
"""

_COMMON = (
    _LIMITS
    + """
local R, S, ID = KEYS[1], KEYS[2], KEYS[3]
local H, AG = R .. ':h', S .. 'due_index'
local call = redis.call
local function text(x) return string.format('%.6f', x) end
local function fields(rec)
  if not rec then return 0, 0, 0, 0, 0 end
  local s, b, a, r, d = string.match(rec, '^D?(%-?%d*),([%d%.]*),(%d*),(%d*),(%d*)')
  return tonumber(s) or 0, tonumber(b) or 0, tonumber(a) or 0, tonumber(r) or 0, tonumber(d) or 0
end
local function done(rec) return rec and string.sub(rec, 1, 1) == 'D' end
local function mark_done(number, rec)
  call('HSET', R .. ':n', number, 'D' .. (rec or '0,0,0,0,0'))
  call('ZREM', R .. ':b', number)
end
local function look_by(due)
  local known = call('ZSCORE', AG, ID)
  if not known or tonumber(known) > due then call('ZADD', AG, text(due), ID) end
end
local function open(now, known, lease)
  local version = tonumber(call('HGET', H, 'version'))
  local token = call('HINCRBY', H, 'token', 1)
  local ends = text(now + lease)
  call('HSET', H, 'lease', ends)
  call('ZADD', AG, ends, ID)
  if known > version then known = 0 end
  local batches = {}
  if known < version then batches = call('LRANGE', R .. ':l', known, -1) end
  return {'leased', token, version, known, batches, call('LRANGE', R .. ':i', 0, -1), call('HGETALL', H),
    call('SMEMBERS', R .. ':o'), call('ZRANGEBYSCORE', R .. ':t', '-inf', text(now))}
end
local function plan(now)
  local h = call('HMGET', H, 'status', 'idle_check_after', 'updated', 'wakeups_sent', 'inbox_threshold')
  if h[1] == 'running' and is_paused(h[5]) then
    local deadline = call('ZSCORE', R .. ':t', 'deadline')
    if deadline then call('ZADD', AG, deadline, ID) else call('ZREM', AG, ID) end
    return
  end
  local due = nil
  local first = call('ZRANGE', R .. ':t', 0, 0, 'WITHSCORES')
  if first[2] then due = tonumber(first[2]) end
  if call('SCARD', R .. ':o') > 0 then
    local left = now + backoff(tonumber(h[4]) or 0)
    if not due or left < due then due = left end
  end
  local idle_check_after = tonumber(h[2]) or 0
  if idle_check_after > 0 and h[1] == 'running' then
    local look = (tonumber(h[3]) or now) + idle_check_after
    if not due or look < due then due = look end
  end
  if due then call('ZADD', AG, text(due), ID) else call('ZREM', AG, ID) end
  return due
end
"""
)

BEGIN = (
    _COMMON
    + """
local again, now = ARGV[1] == '1', ARGV[2]
local h = call('HMGET', H, 'status', 'inbox_threshold')
local status, paused = h[1], h[1] == 'running' and is_paused(h[2])
local function begin(number, delivery)
  if not status then return {'gone'} end
  if status == 'cancelled' then return {'ended'} end
  local rec = call('HGET', R .. ':n', number)
  if done(rec) or number == '0' then
    local inlined = call('HGET', R .. ':a', number)
    if inlined then
      call('HDEL', R .. ':a', number)
      call('SADD', R .. ':o', 'o' .. inlined)
      look_by(tonumber(now) + WAKEUP_BACKOFF)
      if status == 'running' then call('HSET', H, 'updated', now, 'silent_after', 0) end
    end
    if call('EXISTS', R .. ':o', R .. ':i') > 0 then return {'orphan'} end
    return {'duplicate'}
  end
  local s, b, a, r, d = fields(rec)
  if delivery < s then return {'stale'} end
  local fresh = delivery > s or b == 0
  if not fresh and not again then return {'stale'} end
  if paused then
    if not fresh then
      call('HINCRBY', H, 'undelivered', 1)
      call('HSET', R .. ':n', number, table.concat({s, 0, a, r, d}, ','))
      call('ZREM', R .. ':b', number)
    end
    return {'paused'}
  end
  if fresh then call('HINCRBY', H, 'undelivered', -1) end
  call('HSET', R .. ':n', number, table.concat({delivery, now, a, r, d + 1}, ','))
  call('ZADD', R .. ':b', now, number)
  return {'run', a, r, d + 1, call('HGET', R .. ':p', number)}
end
local found = {}
for i = 3, #ARGV, 2 do found[#found + 1] = begin(ARGV[i], tonumber(ARGV[i + 1])) end
return found
"""
)

RETRY = (
    _COMMON
    + """
local number, delivery, counted = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local due, attempted = tonumber(ARGV[4]), tonumber(ARGV[5])
if call('EXISTS', H) == 0 then return -1 end
local rec = call('HGET', R .. ':n', number)
local s, b, a, r, d = fields(rec)
if done(rec) or s ~= delivery then return -1 end
d = attempted == 1 and 0 or math.max(d - 1, 0)
call('HSET', R .. ':n', number, table.concat({delivery + 1, 0, a + attempted, r + counted, d}, ','))
call('ZREM', R .. ':b', number)
call('HINCRBY', H, 'undelivered', 1)
call('ZADD', R .. ':t', text(due), 'n' .. number)
look_by(due)
return delivery + 1
"""
)

DELIVER = (
    _COMMON
    + """
local number, entry, now, delivery = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local urgent, known, lease = ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7])
local h = call('HMGET', H, 'status', 'lease', 'inbox_threshold')
if not h[1] then return {'gone'} end
if number ~= '0' then
  if urgent and is_paused(h[3]) then urgent = false end
  local rec = call('HGET', R .. ':n', number)
  if done(rec) or (delivery >= 0 and fields(rec) ~= delivery) then return {'duplicate'} end
  mark_done(number, rec)
end
if ARGV[8] ~= '' then
  call('SET', S .. 'e:' .. ARGV[8], ARGV[9], 'EX', math.max(1, math.ceil(tonumber(ARGV[10]))))
end
if h[1] ~= 'running' then return {'ended'} end
local waiting = call('RPUSH', R .. ':i', entry)
if tonumber(h[2]) > now then return {'busy'} end
if not urgent and waiting < (tonumber(h[3]) or 0) then return {'quiet'} end
if lease > 0 then return open(now, known, lease) end
look_by(now + WAKEUP_BACKOFF)
return {'wake'}
"""
)

SUCCESSES = (
    _COMMON
    + """
local now, known, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local h = call('HMGET', H, 'status', 'lease', 'inbox_threshold')
if not h[1] then return {'gone'} end
local kept, waiting = false, 0
for i = 4, #ARGV, 2 do
  local rec = call('HGET', R .. ':n', ARGV[i])
  if not done(rec) then
    mark_done(ARGV[i], rec)
    kept = true
    if h[1] == 'running' then waiting = call('RPUSH', R .. ':i', ARGV[i + 1]) end
  end
end
if not kept then return {'duplicate'} end
if h[1] ~= 'running' then return {'ended'} end
if tonumber(h[2]) > now then return {'busy'} end
if waiting < (tonumber(h[3]) or 0) then return {'quiet'} end
if lease > 0 then return open(now, known, lease) end
look_by(now + WAKEUP_BACKOFF)
return {'wake'}
"""
)

OPEN = (
    _COMMON
    + """
local now = tonumber(ARGV[1])
local held = call('HGET', H, 'lease')
if not held or tonumber(held) > now then return false end
return open(now, tonumber(ARGV[2]), tonumber(ARGV[3]))
"""
)

RENEW = (
    _COMMON
    + """
local h = call('HMGET', H, 'token', 'lease')
if not h[1] or h[1] ~= ARGV[1] or tonumber(h[2]) == 0 then return 0 end
call('HSET', H, 'lease', ARGV[2])
call('ZADD', AG, ARGV[2], ID)
return 1
"""
)

COMMIT = (
    _COMMON
    + """
local limit = nil
if ARGV[13] ~= '' then
"""
    + LIMITS
    + """
  limit = cjson.decode(ARGV[13])
  limit.refuses, limit.apply = limit_refuses, limit_apply
end
local now, version, token, completes = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local batch, consumed, carrier, inlined = ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8]
local keep, lease, ttl, clear = ARGV[9] == '1', tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12] == '1'
local at = 14
local function list()
  local n = tonumber(ARGV[at] or 0)
  local from = at + 1
  at = from + n
  return n, from
end
local h = call('HMGET', H, 'version', 'token', 'lease', 'status', 'inbox_threshold')
if limit and limit.refuses(limit) then return {0} end
local n, from = list()
if n > 0 then
  if h[1] then return {0} end
  local made, threshold = {}, nil
  for i = from, from + n - 1 do made[#made + 1] = ARGV[i] end
  for i = 1, n, 2 do if made[i] == 'inbox_threshold' then threshold = made[i + 1] end end
  call('HSET', H, 'version', 0, 'token', 0, 'lease', 0, 'undelivered', 0, 'created', ARGV[1], 'updated', ARGV[1],
    unpack(made))
  call('ZADD', S .. 'runs', ARGV[1], ID)
  h = {'0', '0', '0', 'running', threshold}
elseif token == '' and is_paused(h[5]) then return {0}
end
if h[1] ~= version then return {0} end
if token == '' then
  if tonumber(h[3]) > now or call('EXISTS', R .. ':i') == 1 then return {0} end
  if completes ~= '0' then
    local rec = call('HGET', R .. ':n', completes)
    if done(rec) then return {0} end
    mark_done(completes, rec)
  end
elseif token ~= h[2] or tonumber(h[3]) == 0 then
  return {0}
end
n, from = list()
if n > 0 then
  for i = from + 2, from + n - 1, 2 do
    if ARGV[i + 1] == '' and done(call('HGET', R .. ':n', ARGV[i])) then return {0} end
  end
  for i = from + 2, from + n - 1, 2 do
    local rec = call('HGET', R .. ':n', ARGV[i])
    if ARGV[i + 1] ~= '' then
      local s = fields(rec)
      if rec then call('HSET', R .. ':n', ARGV[i], table.concat({s + 1, 0, 0, 0, 0}, ',')) end
      call('ZREM', R .. ':b', ARGV[i])
      call('DEL', S .. 'e:' .. ARGV[i + 1])
    end
  end
  for _, part in ipairs({':h', ':l', ':o', ':n', ':a', ':p', ':t', ':b'}) do call('PERSIST', R .. part) end
  call('ZADD', S .. 'runs', call('HGET', H, 'created'), ID)
end
local set = {}
local progress, useful = batch ~= '', false
if batch ~= '' then
  call('RPUSH', R .. ':l', batch)
  set[#set + 1] = 'version'
  set[#set + 1] = tonumber(version) + 1
end
if consumed > 0 then call('LTRIM', R .. ':i', consumed, -1); progress = true end
local published, touched = 0, false
n, from = list()
if n > 0 then touched, progress = true, true end
for i = from, from + n - 1 do
  call('SADD', R .. ':o', ARGV[i])
  local kind = string.sub(ARGV[i], 1, 1)
  if kind == 't' or kind == 'f' then published = published + 1 end
end
n, from = list()
for i = from, from + n - 1 do call('SREM', R .. ':o', ARGV[i]); useful = true end
if carrier ~= '' then
  if inlined == '0' then call('HDEL', R .. ':a', carrier)
  else
    call('HSET', R .. ':a', carrier, inlined)
    call('HSET', R .. ':n', inlined, '0,' .. ARGV[1] .. ',0,0,1')
    call('ZADD', R .. ':b', ARGV[1], inlined)
  end
end
n, from = list()
for i = from, from + n - 1, 2 do call('HSET', R .. ':p', ARGV[i], ARGV[i + 1]) end
if clear then
  touched = true
  for _, name in ipairs(call('ZRANGE', R .. ':t', 0, -1)) do
    if string.sub(name, 1, 1) ~= 'n' then call('ZREM', R .. ':t', name) end
  end
end
n, from = list()
for i = from, from + n - 1 do call('ZREM', R .. ':t', ARGV[i]); touched, progress = true, true end
n, from = list()
for i = from, from + n - 1, 2 do call('ZADD', R .. ':t', ARGV[i + 1], ARGV[i]); touched, progress = true, true end
local delays = {}
n, from = list()
if n > 0 then progress = true end
for i = from, from + n - 1, 3 do
  local start = math.max(now, tonumber(call('HGET', S .. 'throttle', ARGV[i + 1])) or now)
  call('HSET', S .. 'throttle', ARGV[i + 1], text(start + tonumber(ARGV[i + 2])))
  delays[#delays + 1] = text(start - now)
  local kind, rest = string.sub(ARGV[i], 1, 1), string.sub(ARGV[i], 2)
  published = published + 1
  if start <= now then call('SADD', R .. ':o', ARGV[i])
  else
    call('ZADD', R .. ':t', text(start), (kind == 't' and 'n' or 's') .. rest)
    touched = true
  end
end
n, from = list()
local status, threshold = h[4], h[5]
for i = from, from + n - 1, 2 do
  set[#set + 1] = ARGV[i]
  set[#set + 1] = ARGV[i + 1]
  if ARGV[i] == 'status' then status = ARGV[i + 1]
  elseif ARGV[i] == 'inbox_threshold' then threshold = ARGV[i + 1] end
end
local holds, granted = true, {}
if limit then
  call('HSET', H, 'status', status)  -- a place is for runs that have not ended, also for one that goes on now
  holds, granted = limit.apply(limit, now)
  if limit.action == 'ask' and not holds then keep = false end
end
local running = status == 'running'
if batch ~= '' or (running and progress) then
  for _, part in ipairs({'updated', ARGV[1], 'silent_after', 0}) do set[#set + 1] = part end
end
if progress or useful then
  set[#set + 1] = 'wakeups_sent'
  set[#set + 1] = 0
end
local entries = {}
if running then
  if token ~= '' and not (keep and is_paused(threshold)) then entries = call('LRANGE', R .. ':i', 0, -1) end
else
  call('DEL', R .. ':i')
  call('ZREM', S .. 'runs', ID)
end
n, from = list()
if n > 0 then
  local key, value, expires = ARGV[from + 1], ARGV[from + 2], ARGV[from + 3]
  local function write(...)
    local reply = redis.pcall(...)
    return type(reply) ~= 'table' or not reply['err']
  end
  local there, here = ARGV[from], ARGV[from + 4]
  local selected = there ~= here and write('SELECT', there)
  local written = selected or there == here
  if not written then written = false
  elseif expires == '0' then written = write('SET', key, value)
  else written = write('SETEX', key, expires, value) end
  written = written and write('PUBLISH', key, value)
  if selected then call('SELECT', here) end
  if not written then call('SADD', R .. ':o', 'r'); touched = true end
end
n, from = list()
if n > 0 then
"""
    + INDEX
    + """
  local given = {}
  for i = from + 1, from + n - 1 do given[#given + 1] = ARGV[i] end
  if ARGV[from] == 'row' then put_row(ID, given, ARGV[1]) else change_row(ID, given, ARGV[1]) end
end
local held = ''
if keep or (#entries > 0 and not is_paused(threshold)) then
  if token == '' then held = call('HINCRBY', H, 'token', 1) else held = token end
  local ends = text(now + lease)
  set[#set + 1] = 'lease'
  set[#set + 1] = ends
  call('ZADD', AG, ends, ID)
elseif token ~= '' or tonumber(h[3]) > 0 then
  touched = true
  set[#set + 1] = 'lease'
  set[#set + 1] = 0
end
if #set > 0 then call('HSET', H, unpack(set)) end
if published > 0 then call('HINCRBY', H, 'undelivered', published) end
if held == '' and (token ~= '' or touched or version == '0' or not running) then plan(now) end
if not running and ttl > 0 then
  for _, part in ipairs({':h', ':l', ':o', ':n', ':a', ':p', ':t', ':b'}) do
    call('EXPIRE', R .. part, math.ceil(ttl))
  end
end
-- Most were kept and have nothing more to say. A client pays for each part of a reply.
if held == '' and #entries == 0 and #delays == 0 and not limit then return {1} end
return {1, held, entries, delays, holds and 1 or 0, granted}
"""
)

PAUSE = (
    _COMMON
    + f"""
local OUT_OF_REACH = {OUT_OF_REACH}
"""
    + INDEX
    + """
local number, format, now = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local h = call('HMGET', H, 'status', 'paused', 'format')
if not h[1] then return 'gone' end
if h[1] ~= 'running' then return 'ended' end
local known = tonumber(h[2]) or 0
if known > number then return 'stale' end
if known == number then return 'paused' end
call('HINCRBY', H, 'token', 1)
call('HSET', H, 'paused', number, 'inbox_threshold', OUT_OF_REACH, 'lease', 0,
  'format', math.max(format, tonumber(h[3]) or 1))
if #ARGV > 3 then
  local given = {}
  for i = 4, #ARGV do given[#given + 1] = ARGV[i] end
  change_row(ID, given, now)
end
plan(tonumber(now))
if call('EXISTS', R .. ':i') == 1 then look_by(tonumber(now) + WAKEUP_BACKOFF) end
return 'paused'
"""
)

#: KEYS[1] is the prefix of all runs here.
SWEEP = (
    _LIMITS
    + """
local S, AG = KEYS[2], KEYS[2] .. 'due_index'
local call = redis.call
local now, limit, republish, least = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local lost = tonumber(ARGV[5])
local function text(x) return string.format('%.6f', x) end
local found = {}
for _, id in ipairs(call('ZRANGEBYSCORE', AG, '-inf', ARGV[1], 'LIMIT', 0, limit)) do
  local R = KEYS[1] .. id
  local H = R .. ':h'
  local h = call('HMGET', H, 'status', 'lease', 'inbox_threshold', 'updated', 'idle_check_after', 'undelivered',
                 'flow', 'queue', 'silent_after', 'wakeups_sent')
  local lease = tonumber(h[2]) or 0
  if not h[1] then call('ZREM', AG, id)
  elseif lease > now then call('ZADD', AG, h[2], id)
  else
    local running, reason = h[1] == 'running', nil
    local waiting, outbox = call('LLEN', R .. ':i'), call('SCARD', R .. ':o')
    local first = call('ZRANGE', R .. ':t', 0, 0, 'WITHSCORES')
    local timer = first[2] and tonumber(first[2])
    local idle_check_after, updated = tonumber(h[5]) or 0, tonumber(h[4]) or now
    if running and is_paused(h[3]) then
      outbox, idle_check_after, h[3] = 0, 0, 0
      timer = tonumber(call('ZSCORE', R .. ':t', 'deadline') or nil)
    end
    local oldest = running and idle_check_after > 0 and call('ZRANGE', R .. ':b', 0, 0, 'WITHSCORES')
    local seen = oldest and oldest[2] and tonumber(oldest[2])
    local silent_after = math.max(tonumber(h[9]) or 0, republish)
    local missing = tonumber(h[6])
    if missing > 0 and first[1] then
      -- What waits for its time (a retry, a throttled start) has no message on its way.
      for _, name in ipairs(call('ZRANGE', R .. ':t', 0, -1)) do
        if string.find(name, '^[ns]%d') then missing = missing - 1 end
      end
    end
    if lease > 0 then reason = 'lease'
    elseif outbox > 0 then reason = 'outbox'
    elseif running and waiting > 0 and waiting >= (tonumber(h[3]) or 0) then reason = 'inbox'
    elseif timer and timer <= now then reason = 'timer'
    elseif seen and seen <= now - lost then reason = 'lost'
    elseif running and idle_check_after > 0 and now - updated >= silent_after
      and (missing > 0 or waiting > 0) then reason = 'silent' end
    if reason then
      local wakeups_sent = tonumber(h[10]) or 0
      call('HSET', H, 'wakeups_sent', wakeups_sent + 1)
      call('ZADD', AG, text(now + backoff(wakeups_sent)), id)
      if reason == 'silent' then call('HSET', H, 'silent_after', text(2 * (now - updated)))
      elseif reason == 'lost' then call('HSET', H, 'updated', text(now), 'silent_after', 0) end
      found[#found + 1] = {id, h[7] or '', h[8] or '', reason}
    else
      local due = timer
      if running and idle_check_after > 0 then
        local look = updated + idle_check_after
        if look <= now then
          look = now + math.max(idle_check_after, least)
          local missing_at = updated + silent_after
          if missing > 0 and missing_at > now and missing_at < look then look = missing_at end
          if seen then look = math.min(look, math.max(seen + lost, now)) end
        end
        if not due or look < due then due = look end
      end
      if due then call('ZADD', AG, text(due), id) else call('ZREM', AG, id) end
    end
  end
end
return found
"""
)

REPUBLISH = (
    _COMMON
    + """
local rec = call('HGET', R .. ':n', ARGV[1])
if call('EXISTS', H) == 0 or done(rec) then return -1 end
local s, b, a, r, d = fields(rec)
if b > 0 then call('HINCRBY', H, 'undelivered', 1) end
call('HSET', R .. ':n', ARGV[1], table.concat({s + 1, 0, a, r, d}, ','))
call('ZREM', R .. ':b', ARGV[1])
return s + 1
"""
)

RELEASE = (
    _COMMON
    + """
local rec = call('HGET', R .. ':n', ARGV[1])
if not rec or done(rec) then return 0 end
local s, b, a, r, d = fields(rec)
if s ~= tonumber(ARGV[2]) or d ~= tonumber(ARGV[3]) then return 0 end
call('HSET', R .. ':n', ARGV[1], table.concat({s, text(b), a, r, d - 1}, ','))
return 1
"""
)

TOUCH = (
    _COMMON
    + """
for i = 2, #ARGV do
  call('ZADD', R .. ':b', 'XX', ARGV[1], ARGV[i])
  local inlined = call('HGET', R .. ':a', ARGV[i])
  if inlined then call('ZADD', R .. ':b', 'XX', ARGV[1], inlined) end
end
return 0
"""
)

LEAD = """
local leader = redis.call('GET', KEYS[2] .. 'leader')
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2] .. 'leader', ARGV[1], 'PX', ARGV[2])
return 1
"""
