# What is exposed to whom, read off the policies: for people to read in a plan, and for timeouts.

locals {
  tools = flatten([
    for name, one in local.files : [
      for tool, rule in try(one.policy.tools, {}) : {
        name    = "${name}_${tool}"
        server  = name
        kind    = try(rule.kind, "unknown")
        roles   = sort(try(rule.roles, []))
        seconds = local.seconds[name][tool]
      }
    ]
  ])
  # 10s, 1500ms or 2m; a tool that names none has the gateway's
  unit = { ms = 0.001, s = 1, m = 60 }
  spans = {
    for name, one in local.files : name => {
      for tool, rule in try(one.policy.tools, {}) :
      tool => regex("^([0-9]+(?:\\.[0-9]+)?)(ms|s|m)$", try(rule.timeout, local.limits.timeout, "30s"))
    }
  }
  seconds = {
    for name, tools in local.spans : name => {
      for tool, span in tools : tool => tonumber(span[0]) * local.unit[span[1]]
    }
  }
  longest = max(1, [for one in local.tools : one.seconds]...)

  reaches = { for name, one in local.additions : name => try(one.reaches, []) }
  unsaid  = [for name, all in local.reaches : name if anytrue([for one in all : length(try(one.reason, "")) < 10])]
}
