output "processes" {
  description = "The gateway and each listed server: command, port, health, environment, secrets by variable, files."
  value = {
    for name, one in local.meant : name => {
      command     = one.command
      port        = one.port
      health      = one.health
      stop        = one.stop
      environment = local.environment[name]
      secrets     = { for secret in local.wanted[name] : local.variable[secret] => secret }
      files = name != "gateway" ? {} : {
        for file, from in local.gateway_files : file => "${local.variable[from.secret]}${from.base64 ? ":base64" : ""}"
      }
      reaches = name == "gateway" ? [] : local.reaches[name]
    }
  }

  precondition {
    condition     = length(local.misnamed) + length(local.twice) == 0
    error_message = "${var.gateway_file}: servers: misnamed ${jsonencode(local.misnamed)}, listed twice ${jsonencode(local.twice)}."
  }
  precondition {
    condition     = length(setsubtract(keys(var.additions), keys(local.folders))) == 0
    error_message = "servers.yaml speaks of ${join(", ", setsubtract(keys(var.additions), keys(local.folders)))}, which ${var.gateway_file} does not list."
  }
  precondition {
    condition     = length(local.unmet) == 0
    error_message = "No value in AWS yet; give one under `settings` in servers.yaml. ${join("; ", local.unmet)}."
  }
  precondition {
    condition     = local.sharing >= var.gateway_tasks
    error_message = "${var.gateway_file}: limits.replicas is ${local.sharing}, and up to ${var.gateway_tasks} tasks share the limits while Valkey is away: together they would allow more than the limit."
  }
  precondition {
    condition     = length(local.unsaid) == 0
    error_message = "servers.yaml: each of `reaches` says in a sentence why: ${join(", ", local.unsaid)}."
  }
}

output "setups" {
  description = "Commands that prepare databases, one task each, run by a person or a pipeline before the services."
  value = {
    for one in local.setups_meant : one.key => {
      server      = one.server
      command     = one.command
      environment = local.environment["setup-${one.key}"]
      secrets     = { for secret in local.wanted["setup-${one.key}"] : local.variable[secret] => secret }
    }
  }

  precondition {
    condition     = length(local.unmet_commands) == 0
    error_message = "This command is for one machine; give another, or none, as `setup` in servers.yaml. ${join("; ", local.unmet_commands)}."
  }
}

output "secrets" {
  description = "Names of all secrets; the database administrator's is kept by RDS itself."
  value       = sort(tolist(setsubtract(keys(local.variable), ["administrator"])))
}

output "databases" {
  description = "Databases that have to exist."
  value       = local.databases
}

output "exposure" {
  description = "Every tool that is exposed: its kind and the roles that may call it."
  value       = { for one in local.tools : one.name => { kind = one.kind, roles = one.roles } }

  precondition {
    condition     = alltrue([for one in local.tools : contains(["read", "write"], one.kind)])
    error_message = "A tool is of kind read or write: ${join(", ", [for one in local.tools : one.name if !contains(["read", "write"], one.kind)])}."
  }
  precondition {
    condition     = alltrue([for one in local.tools : length(one.roles) > 0])
    error_message = "A tool without a role is exposed to nobody: ${join(", ", [for one in local.tools : one.name if length(one.roles) == 0])}."
  }
}

output "longest" {
  description = "Seconds that the slowest tool may take; what waits for an answer has to wait longer."
  value       = local.longest
}
