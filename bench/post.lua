-- wrk -s post.lua URL -- BODIES RESULT [TOKEN]: POSTs the lines of BODIES in turn, writes what came out as JSON
local requests, total, current = {}, 0, 0
local worker
function init(arguments)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  if arguments[3] then wrk.headers["Authorization"] = "Bearer " .. arguments[3] end
  for line in io.lines(arguments[1]) do
    total = total + 1
    requests[total] = wrk.format(nil, nil, nil, line)
  end
  wrk.thread:set("result", arguments[2])
end
function setup(thread) worker = thread end
function request()
  current = current % total + 1
  return requests[current]
end
function done(summary, latency, _)
  local errors = summary.errors
  local file = io.open(worker:get("result"), "w")
  file:write(string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%d,"p50_ms":%.3f,"p99_ms":%.3f,"errors":%d}',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
  file:close()
end
