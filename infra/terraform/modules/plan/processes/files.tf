# Which servers are listed, and what their own files say of them. Pure: reads the repository, no provider.
# HCL has no TOML reader. What is read here of stack.toml is one line for each key; a test compares it with a real reader.

locals {
  gateway = yamldecode(file("${var.repository}/${var.gateway_file}"))
  limits  = try(local.gateway.limits, {})

  name   = "^[a-z][a-z0-9-]{0,30}$"
  paths  = [for entry in local.gateway.servers : try(entry.path, entry)]
  listed = [for path in local.paths : basename(path)]
  folders = {
    for path in local.paths :
    basename(path) => can(regex(local.name, path)) ? "servers/${path}" : path
    if can(regex(local.name, basename(path))) && length([for one in local.listed : one if one == basename(path)]) == 1
  }
  resources = {
    for entry in local.gateway.servers :
    basename(try(entry.path, entry)) => coalesce(try(entry.resource, null), "http://${basename(try(entry.path, entry))}.internal/mcp")...
  }
  misnamed = [for name in local.listed : name if !can(regex(local.name, name))]
  twice    = distinct([for name in local.listed : name if length([for one in local.listed : one if one == name]) > 1])

  files = {
    for name, folder in local.folders : name => {
      policy = yamldecode(file("${var.repository}/${folder}/policy.yaml"))
      stack  = try(file("${var.repository}/${folder}/stack.toml"), "")
    }
  }

  section = {
    for name, one in local.files : name => {
      process = try(regexall("(?s)\n\\[process\\]\n(.*?)(?:\n\\[|$)", "\n${one.stack}")[0][0], "")
      env     = try(regexall("(?s)\n\\[env\\]\n(.*?)(?:\n\\[|$)", "\n${one.stack}")[0][0], "")
      setups = [
        for part in slice(split("\n[[setup]]\n", "\n${one.stack}"), 1, length(split("\n[[setup]]\n", "\n${one.stack}"))) :
        regexall("(?s)^(.*?)(?:\n\\[|$)", part)[0][0]
      ]
    }
  }

  # KEY = "value"
  pair  = "([A-Z][A-Z0-9_]*)[ \\t]*=[ \\t]*\"([^\"]*)\""
  array = "(?m)^command[ \\t]*=[ \\t]*(\\[.*\\])"
  told = {
    for name, one in local.section : name => {
      command = try(jsondecode(regex(local.array, one.process)[0]), ["{python}", "-m", "mcp_${replace(name, "-", "_")}"])
      health  = try(regex("(?m)^health[ \\t]*=[ \\t]*\"([^\"]*)\"", one.process)[0], "/healthz")
      env     = { for found in regexall("(?m)^${local.pair}", one.env) : found[0] => found[1] }
      setups = [
        for part in one.setups : {
          command = jsondecode(regex(local.array, part)[0])
          env     = { for found in regexall(local.pair, try(regex("(?m)^env[ \\t]*=[ \\t]*\\{(.*)\\}", part)[0], "")) : found[0] => found[1] }
        }
      ]
    }
  }
}
