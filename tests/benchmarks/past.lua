-- Asks for irritants as they were known at one position after another.

local paths, asked = {}, 0
for _, slug in ipairs({ "banking-access", "diplomat-movement", "direct-flights", "visas" }) do
  for position = 100, 126 do
    paths[#paths + 1] = "/v1/irritants/ru-us/" .. slug .. "?as_of_position=" .. position
  end
end

function request()
  asked = asked + 1
  return wrk.format("GET", paths[asked % #paths + 1])
end
