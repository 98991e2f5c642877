"""The script that forgets runs before their time."""

from __future__ import annotations

from selinon_core.celery.stores.redis.index_scripts import INDEX

#: KEYS[1] is the prefix of the store. ARGV: ids of runs. Returns those of them that were forgotten: a run that has
#: not ended stays, and so does an open row whose state is gone, for the sweep.
FORGET = (
    "local S = KEYS[1]"
    + INDEX
    + """
local call, found = redis.call, {}
local open = {queued = true, running = true, paused = true}
for _, id in ipairs(ARGV) do
  local R = S .. 'f:' .. id
  local status = call('HGET', R .. ':h', 'status')
  local listed = call('HGET', S .. 'x:r:' .. id, 'status')
  local state = status or listed
  if state and not open[state] then
    for _, part in ipairs({':h', ':l', ':i', ':o', ':n', ':a', ':p', ':t', ':b', ':w'}) do
      call('DEL', R .. part)
    end
    call('ZREM', S .. 'due_index', id)
    call('ZREM', S .. 'runs', id)
    forget_row(id)
    call('ZREM', S .. 'x:changed', id)
    found[#found + 1] = id
  end
end
return found
"""
)
