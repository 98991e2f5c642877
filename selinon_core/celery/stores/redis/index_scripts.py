"""The Lua sources of the index of runs in Redis; see ``redis/index.py`` for the keys.

``INDEX`` is a piece of the script that commits a step, so a step that changes the index is one round trip too.
The other scripts have the prefix of the store as ``KEYS[1]``.
"""

from __future__ import annotations

#: Functions that change rows. ``S`` is the prefix of the store. A row's sets follow from its fields, so they are
#: taken out by the fields of before and put in by those of after.
INDEX = """
local function row_sets(id, status, flow, labels, put, created)
  local function change(key)
    if put then redis.call('ZADD', key, created, id) else redis.call('ZREM', key, id) end
  end
  change(S .. 'x:s:' .. status)
  change(S .. 'x:f:' .. status .. ':' .. flow)
  if labels and labels ~= '' then
    for name, value in pairs(cjson.decode(labels)) do
      change(S .. 'x:l:' .. status .. ':' .. #name .. ':' .. name .. '=' .. value)
    end
  end
end
local function forget_row(id)
  local key = S .. 'x:r:' .. id
  local h = redis.call('HMGET', key, 'status', 'flow', 'labels', 'key', 'root')
  if not h[1] then return end
  row_sets(id, h[1], h[2], h[3], false)
  redis.call('ZREM', S .. 'x:changed', id)
  redis.call('ZREM', S .. 'x:ids', id)
  if h[4] then redis.call('ZREM', S .. 'x:k:' .. h[4], id) end
  if h[5] then redis.call('ZREM', S .. 'x:t:' .. h[5], id) end
  redis.call('DEL', key)
end
local function put_row(id, fields, now)
  forget_row(id)
  redis.call('HSET', S .. 'x:r:' .. id, 'changed', now, unpack(fields))
  local row = {}
  for i = 1, #fields, 2 do row[fields[i]] = fields[i + 1] end
  row_sets(id, row.status, row.flow, row.labels, true, row.created)
  redis.call('ZADD', S .. 'x:changed', now, id)
  redis.call('ZADD', S .. 'x:ids', 0, id)
  if row.key then redis.call('ZADD', S .. 'x:k:' .. row.key, row.created, id) end
  if row.root then redis.call('ZADD', S .. 'x:t:' .. row.root, row.created, id) end
end
local function change_row(id, fields, now)
  local key = S .. 'x:r:' .. id
  local before = redis.call('HMGET', key, 'status', 'flow', 'labels', 'created', 'key')
  if not before[1] then return end
  local set, status, start_key = {'changed', now}, before[1], before[5]
  for i = 1, #fields, 2 do
    if fields[i + 1] == '' then redis.call('HDEL', key, fields[i])
    else set[#set + 1] = fields[i]; set[#set + 1] = fields[i + 1] end
    if fields[i] == 'status' then status = fields[i + 1] end
    if fields[i] == 'key' then start_key = fields[i + 1] ~= '' and fields[i + 1] end
  end
  redis.call('HSET', key, unpack(set))
  redis.call('ZADD', S .. 'x:changed', now, id)
  if status ~= before[1] then
    row_sets(id, before[1], before[2], before[3], false)
    row_sets(id, status, before[2], before[3], true, before[4])
  end
  if start_key ~= before[5] then
    if before[5] then redis.call('ZREM', S .. 'x:k:' .. before[5], id) end
    if start_key then redis.call('ZADD', S .. 'x:k:' .. start_key, before[4], id) end
  end
end
"""

#: Walks sorted sets, the newest first, and filters by the rows' fields. Of the groups of sets in the question it
#: takes the one with the fewest members: the sets of one group have, together, every row that is wanted.
#:
#: ARGV[1] is a JSON object: ``limit`` (0: only count), ``most`` (rows to look at), ``before`` and ``before_id``
#: (the cursor; empty: from the newest), ``since`` and ``until`` (scores as text), ``groups``, and conditions. The
#: answer: rows as lists of fields (or how many), and the position to go on from (empty: at the end).
FIND = """
local S, call = KEYS[1], redis.call
local q = cjson.decode(ARGV[1])
local before, before_id = tonumber(q.before), q.before_id
local high, low = q['until'] and '(' .. q['until'] or '+inf', q.since or '-inf'
if before and not (q['until'] and tonumber(q['until']) <= before) then high = q.before end
local function one_of(value, values)
  if #values == 0 then return true end
  for _, each in ipairs(values) do if each == value then return true end end
  return false
end
local function matches(id)
  if q.prefix and string.sub(id, 1, #q.prefix) ~= q.prefix then return false end
  if not q.fields then return true end
  local h = call('HMGET', S .. 'x:r:' .. id, 'status', 'flow', 'labels', 'key', 'root')
  if not h[1] or not one_of(h[1], q.statuses) or not one_of(h[2], q.flows) then return false end
  if (q.key and h[4] ~= q.key) or (q.root and h[5] ~= q.root) then return false end
  if #q.labels > 0 then
    local labels = h[3] and cjson.decode(h[3]) or {}
    for _, label in ipairs(q.labels) do if labels[label[1]] ~= label[2] then return false end end
  end
  return true
end
local CHUNK = q.limit > 0 and math.min(q.limit + 1, 200) or 200
local streams = {}
local function fill(stream)
  stream.at = 1
  stream.members = call('ZREVRANGEBYSCORE', stream.key, high, low, 'WITHSCORES', 'LIMIT', stream.offset, CHUNK)
  stream.offset = stream.offset + CHUNK
  stream.done = #stream.members < 2 * CHUNK
end
local function head(stream)
  while true do
    local id, score = stream.members[stream.at], tonumber(stream.members[stream.at + 1])
    if not id then
      if stream.done then return nil end
      fill(stream)
    elseif before and (score > before or (score == before and id >= before_id)) then stream.at = stream.at + 2
    else return id, score end
  end
end
local function of_prefix()
  local ids = call('ZRANGEBYLEX', S .. 'x:ids', '[' .. q.prefix, '[' .. q.prefix .. '\255', 'LIMIT', 0, 1001)
  if #ids > 1000 then return nil end
  local since, upto, found = tonumber(q.since or '-inf'), tonumber(q['until']), {}
  for _, id in ipairs(ids) do
    local text = call('HGET', S .. 'x:r:' .. id, 'created')
    local score = text and tonumber(text)
    if score and (not q.since or score >= since) and (not upto or score < upto) then
      found[#found + 1] = {id, score, text}
    end
  end
  table.sort(found, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] > b[1]) end)
  local members = {}
  for _, each in ipairs(found) do members[#members + 1] = each[1]; members[#members + 1] = each[3] end
  q.fields = true
  return {members = members, at = 1, done = true}
end
local listed = q.lookup and of_prefix()
if listed then streams[1] = listed
else
  local best, fewest
  for _, group in ipairs(q.groups) do
    local members = 0
    if #q.groups > 1 then
      for _, name in ipairs(group) do members = members + call('ZCARD', S .. name) end
    end
    if not fewest or members < fewest then best, fewest = group, members end
  end
  if q.limit == 0 and not q.fields and not q.prefix and not before then
    local counted = 0
    for _, name in ipairs(best) do counted = counted + call('ZCOUNT', S .. name, low, high) end
    return {counted, '', ''}
  end
  for _, name in ipairs(best) do
    local stream = {key = S .. name, offset = 0}
    fill(stream)
    streams[#streams + 1] = stream
  end
end
local rows, counted, looked, last, last_id = {}, 0, 0, '', ''
while true do
  local best, best_id, best_score
  for _, stream in ipairs(streams) do
    local id, score = head(stream)
    if id and (not best or score > best_score or (score == best_score and id > best_id)) then
      best, best_id, best_score = stream, id, score
    end
  end
  if not best then return {q.limit == 0 and counted or rows, '', ''} end
  if looked == q.most or (q.limit > 0 and #rows == q.limit) then
    return {q.limit == 0 and counted or rows, last, last_id}
  end
  last, last_id = best.members[best.at + 1], best_id
  best.at = best.at + 2
  looked = looked + 1
  if matches(best_id) then
    if q.limit == 0 then counted = counted + 1
    else
      local row = call('HGETALL', S .. 'x:r:' .. best_id)
      if #row > 0 then row[#row + 1] = 'id'; row[#row + 1] = best_id; rows[#rows + 1] = row end
    end
  end
end
"""

ROWS = """
local S, found = KEYS[1], {}
for _, id in ipairs(ARGV) do
  local row = redis.call('HGETALL', S .. 'x:r:' .. id)
  if #row > 0 then row[#row + 1] = 'id'; row[#row + 1] = id; found[#found + 1] = row end
end
return found
"""

#: ARGV: time, id, limit. Rows behind them in the order of their last change.
CHANGED = """
local S, call, found = KEYS[1], redis.call, {}
local limit, offset = tonumber(ARGV[3]), 0
while true do
  local chunk = call('ZRANGEBYSCORE', S .. 'x:changed', ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', offset, limit)
  for i = 1, #chunk, 2 do
    if tonumber(chunk[i + 1]) > tonumber(ARGV[1]) or chunk[i] > ARGV[2] then
      local row = call('HGETALL', S .. 'x:r:' .. chunk[i])
      if #row > 0 then row[#row + 1] = 'id'; row[#row + 1] = chunk[i]; found[#found + 1] = row end
      if #found == limit then return found end
    end
  end
  if #chunk < 2 * limit then return found end
  offset = offset + limit
end
"""

#: ARGV: ids of runs. Node runs have a record once a worker got them; of those without an end most are in ``:b``,
#: and those whose next attempt waits have a timer.
PROGRESS = """
local S, call, found = KEYS[1], redis.call, {}
for _, id in ipairs(ARGV) do
  local R = S .. 'f:' .. id
  if call('EXISTS', R .. ':h') == 1 then
    local started, open = call('HLEN', R .. ':n'), call('ZCARD', R .. ':b')
    for _, timer in ipairs(call('ZRANGE', R .. ':t', 0, 999)) do
      local number = string.match(timer, '^n(%d+)$')
      if number and not call('ZSCORE', R .. ':b', number) then
        local record = call('HGET', R .. ':n', number)
        if record and string.sub(record, 1, 1) ~= 'D' then open = open + 1 end
      end
    end
    found[#found + 1] = {id, started, started - open}
  end
end
return found
"""

_WRONG = """
local S, call, found = KEYS[1], redis.call, {}
local open = {queued = true, running = true, paused = true}
local function look(id)
  local key = S .. 'f:' .. id .. ':h'
  local h = call('HMGET', key, 'status', 'caller')
  if not h[1] or h[2] then return end
  local status = call('HGET', S .. 'x:r:' .. id, 'status')
  if not status or not (h[1] == 'running' and open[status] or status == h[1]) then
    found[#found + 1] = {id, call('HGETALL', key), call('LINDEX', S .. 'f:' .. id .. ':l', 0)}
  end
end
"""

#: ARGV: name of a sorted set of runs, cursor of ZSCAN, how many to look at.
UNINDEXED_IN = (
    _WRONG
    + """
local reply = call('ZSCAN', S .. ARGV[1], ARGV[2], 'COUNT', ARGV[3])
for i = 1, #reply[2], 2 do look(reply[2][i]) end
return {reply[1], found}
"""
)

#: ARGV: cursor of SCAN, pattern of the keys of headers, how many keys to look at.
UNINDEXED = (
    _WRONG
    + """
local reply = call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
for _, key in ipairs(reply[2]) do look(string.sub(key, #S + 3, -3)) end
return {reply[1], found}
"""
)

#: ARGV: id, now, how many parts the next list has, fields of the row if there is none, else fields to change.
FILL_IN = (
    "local S = KEYS[1]"
    + INDEX
    + """
local id, now, n = ARGV[1], ARGV[2], tonumber(ARGV[3])
local there = redis.call('EXISTS', S .. 'x:r:' .. id) == 1
local fields = {}
if there then for i = 4 + n, #ARGV do fields[#fields + 1] = ARGV[i] end
else for i = 4, 3 + n do fields[#fields + 1] = ARGV[i] end end
if there then change_row(id, fields, now) else put_row(id, fields, now) end
return there and 1 or 0
"""
)

#: ARGV: rows that did not change since then, now, how many.
TRIM = (
    "local S = KEYS[1]"
    + INDEX
    + """
local open = {queued = true, running = true, paused = true}
local old = redis.call('ZRANGEBYSCORE', S .. 'x:changed', '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(old) do
  local status = redis.call('HGET', S .. 'x:r:' .. id, 'status')
  if status and open[status] and redis.call('EXISTS', S .. 'f:' .. id .. ':h') == 1 then
    redis.call('HSET', S .. 'x:r:' .. id, 'changed', ARGV[2])
    redis.call('ZADD', S .. 'x:changed', ARGV[2], id)
  else
    forget_row(id)
    redis.call('ZREM', S .. 'x:changed', id)
  end
end
return #old
"""
)
