"""Our own keys in `_meta`: what gateway, servers and clients tell each other there."""

CALL = "dev.mcp-in-production/call"  # gateway → server: the call's id, for logs
FAULT = "dev.mcp-in-production/fault"  # server → client: {"code"} of a foreseen failure
PROBLEMS = "dev.mcp-in-production/problems"  # → client: argument problems, each with its path
REFUSED = "dev.mcp-in-production/refused"  # gateway → client: {"code", "retryAfter"?}
RECEIPT = "dev.mcp-in-production/audit"  # gateway → client: proof of the record
MASKED = "dev.mcp-in-production/masked"  # server → client: paths of fields left out for the role
UNTRUSTED = "dev.mcp-in-production/untrusted"  # server → client: paths of text others wrote
ORIGIN = "dev.mcp-in-production/origin"  # gateway → client: {"server", "trusted"} of an answer
RENAMED = "dev.mcp-in-production/renamed-from"  # in a tool's definition: {"name", "until"}
