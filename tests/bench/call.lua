-- wrk sends one tools/call after the other, each with an id and an argument of its own.
-- Arguments: a file with the raw request, where I and N of fixed width stand for id and number,
-- and the id to begin with.

local SEEN_EVERY = 97    -- every so many bodies are kept and checked in full afterwards
local MOST_KEPT = 60
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local text = file:read("*a")
  file:close()
  local at_id = assert(text:find("IIIIIIIIIIII", 1, true))
  local at_number = assert(text:find("NNNNNN", 1, true))
  assert(at_id < at_number)
  before = text:sub(1, at_id - 1)
  between = text:sub(at_id + 12, at_number - 1)
  after = text:sub(at_number + 6)
  count = tonumber(args[2]) + number * 100000000
  seen, wrong, not_200, first_wrong, kept = 0, 0, 0, "", {}
  kept_text = ""
end

function request()
  count = count + 1
  return before .. string.format("%.0f", count) .. between
    .. string.format("%.0f", 100000 + count % 900000) .. after
end

function response(status, headers, body)
  seen = seen + 1
  if status ~= 200 then
    not_200 = not_200 + 1
  end
  if status ~= 200 or not body:find('"isError":false', 1, true)
    or not body:find('"structuredContent":{"shelf":', 1, true) then
    wrong = wrong + 1
    if first_wrong == "" then first_wrong = status .. " " .. body:sub(1, 400) end
  end
  if seen % SEEN_EVERY == 1 and #kept < MOST_KEPT then
    table.insert(kept, body)
    kept_text = table.concat(kept, "\30")
  end
end

function done(summary, latency, requests)
  local not_ok, mistaken, bodies, first = 0, 0, {}, ""
  for _, thread in ipairs(threads) do
    not_ok = not_ok + thread:get("not_200")
    mistaken = mistaken + thread:get("wrong")
    if thread:get("kept_text") ~= "" then table.insert(bodies, thread:get("kept_text")) end
    if first == "" then first = thread:get("first_wrong") end
  end
  local e = summary.errors
  io.write(string.format(
    "FIGURES requests=%d us=%d bytes=%d not_200=%d wrong=%d connect=%d read=%d write=%d timeout=%d"
    .. " p50=%.0f p90=%.0f p99=%.0f p999=%.0f max=%.0f\n",
    summary.requests, summary.duration, summary.bytes, not_ok, mistaken,
    e.connect, e.read, e.write, e.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99),
    latency:percentile(99.9), latency.max))
  io.write("WRONG " .. first:gsub("%s+", " ") .. "\n")
  io.write("BODIES " .. table.concat(bodies, "\30"):gsub("[\r\n]+", " ") .. "\n")
end
