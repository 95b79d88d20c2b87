output "exposure" {
  description = "Every tool that is exposed: its kind and the roles that may call it. Read it in each plan."
  value       = module.processes.exposure
}

output "flows" {
  description = "Every connection that is open, and why."
  value       = [for one in module.flows.flows : "${one.from} -> ${one.to}:${one.port}  ${one.reason}"]
}

output "balancer" {
  description = "Where the names of gateway and issuer have to lead."
  value       = { dns_name = module.edge.dns_name, zone_id = module.edge.zone_id }
}

output "secrets" {
  description = "For fill_secrets.py: each secret's name and ARN, the gateway's user at Valkey, the ledger's name."
  value = {
    arns        = module.keys.secret_arns
    valkey_user = module.data.valkey_user.id
    ledger      = "${var.gateway_host}/ledger"
  }
}

output "setups" {
  description = "Tasks to run before the services, in this order, and where: see README."
  value = {
    cluster = aws_ecs_cluster.this.name
    subnets = module.network.subnet_ids["private"]
    tasks = [
      for name in concat(["setup-databases"], sort(setsubtract(keys(local.setups), ["setup-databases"]))) :
      { family = module.task[name].family, group = module.task[name].group_id }
    ]
  }
}

output "services" {
  description = "What runs."
  value       = sort([for one in module.service : one.name])
}

output "archive" {
  description = "The bucket for checkpoints and exports."
  value       = module.archive.archive_name
}

output "containers" {
  description = "What each task definition says, for tests."
  value = merge(
    { for name, one in module.task : name => one.container },
    { collector = module.collector.container },
    var.issuer.here ? { keycloak = module.keycloak[0].container } : {},
  )
}
