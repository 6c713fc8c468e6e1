-- Posts prepared signed events, each once. Each line of the file: delivery id, signature (hex).
local lines, position = {}, 0
local head, tail

function init(args)
  head, tail = args[2], args[3]
  for line in io.lines(args[1]) do lines[#lines + 1] = line end
end

function request()
  position = position + 1
  local line = lines[position]
  if line == nil then wrk.thread:stop() return "" end
  local delivery, signature = line:sub(1, 24), line:sub(26)
  local headers = {
    ["Content-Type"] = "application/json",
    ["User-Agent"] = "GitHub-Hookshot/044aadd",
    ["X-GitHub-Event"] = "pull_request",
    ["X-GitHub-Delivery"] = delivery,
    ["X-Hub-Signature-256"] = "sha256=" .. signature,
  }
  return wrk.format("POST", "/webhooks/github", headers, head .. delivery .. tail)
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %.3f %.3f\n", summary.requests, summary.duration, summary.errors.status,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
