-- Posts one event to a new stream at a time, as a report under a key of its own or as a bare row.
-- wrk … -s posting.lua ADDRESS -- report|row RUN BEARER

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  shape, run, sent = args[1], args[2], 0
  headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. (args[3] or "") }
end

function request()
  sent = sent + 1
  local name = run .. "-" .. number .. "-" .. sent
  local event = '{"type":"IrritantOpened","stream":"irritant/no-se/' .. name .. '","title":"' .. string.rep("x", 200)
    .. '","category":"mobility"}'
  if shape == "row" then
    return wrk.format("POST", nil, headers, event)
  end
  headers["Idempotency-Key"] = name
  return wrk.format("POST", nil, headers, '{"relation":"no-se","title":"-","events":[' .. event .. "]}")
end
