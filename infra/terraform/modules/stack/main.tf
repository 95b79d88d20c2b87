# The whole stack of one environment. Names, sizes, processes and connections are worked out first, without AWS.

module "addresses" {
  source = "../plan/addresses"

  name        = var.name
  environment = var.environment
  cidr        = var.cidr
  zones       = var.zones
  others      = var.joined
}

module "sizes" {
  source = "../plan/sizes"

  size    = var.size
  servers = local.servers
  changes = var.size_changes
}

module "processes" {
  source = "../plan/processes"

  repository    = var.repository
  gateway_file  = var.gateway_file
  additions     = yamldecode(file("${var.repository}/${var.servers_file}"))
  public_url    = "https://${var.gateway_host}"
  issuer        = "https://${var.issuer.host}/realms/${var.issuer.realm}"
  issuer_inside = var.issuer.here ? "http://keycloak:8080" : null
  proxies       = 1
  gateway_tasks = module.sizes.tasks["gateway"].most
  keep_days     = var.keep_days
  ledger_gib    = module.sizes.database.most_storage
}

module "flows" {
  source = "../plan/flows"

  clients          = var.clients
  issuer_here      = var.issuer.here
  issuer_reaches   = var.issuer.reaches
  issuer_elsewhere = var.issuer.here ? null : var.issuer.host
  setups           = keys(local.setups)
  servers = {
    for name in local.servers : name => {
      port     = module.processes.processes[name].port
      database = strcontains(jsonencode(module.processes.processes[name].environment), "@{database}")
      reaches  = module.processes.processes[name].reaches
    }
  }
}

module "network" {
  source = "../network"

  prefix       = local.prefix
  region       = var.region
  cidr         = var.cidr
  subnets      = module.addresses.subnets
  nat          = var.nat
  hosts        = module.flows.hosts
  spread       = var.production
  exec         = var.exec
  logs_key_arn = module.keys.arns["logs"]
}

module "keys" {
  source = "../keys"

  prefix        = local.prefix
  region        = var.region
  account_id    = var.account_id
  secrets       = local.secrets
  recovery_days = var.production ? 30 : 7
}

module "data" {
  source = "../data"

  prefix          = local.prefix
  vpc_id          = module.network.vpc_id
  subnet_ids      = module.network.subnet_ids["isolated"]
  database        = module.sizes.database
  valkey          = module.sizes.valkey
  production      = var.production
  ledger_key_arn  = module.keys.arns["ledger"]
  limits_key_arn  = module.keys.arns["limits"]
  secrets_key_arn = module.keys.arns["secrets"]
  logs_key_arn    = module.keys.arns["logs"]
}

module "archive" {
  source = "../archive"

  prefix             = local.prefix
  account_id         = var.account_id
  archive_key_arn    = module.keys.arns["archive"]
  keep_days          = var.keep_days
  replica_bucket_arn = var.replica_bucket_arn
}

module "edge" {
  source = "../edge"

  prefix          = local.prefix
  vpc_id          = module.network.vpc_id
  subnet_ids      = module.network.subnet_ids[var.inside ? "private" : "public"]
  inside          = var.inside
  certificate_arn = var.certificate_arn
  gateway_host    = var.gateway_host
  issuer_host     = var.issuer.here ? var.issuer.host : null
  realm           = var.issuer.realm
  administrators  = var.administrators
  longest         = module.processes.longest
  address_rate    = var.address_rate
  logs_name       = module.archive.logs_name
  logs_key_arn    = module.keys.arns["logs"]
  production      = var.production
}

module "watch" {
  source = "../watch"

  prefix       = local.prefix
  mail         = var.alarms.mail
  budget       = var.alarms.budget
  logs_key_arn = module.keys.arns["logs"]
  account_id   = var.account_id
  region       = var.region
  cluster      = aws_ecs_cluster.this.name
  services     = { for name, one in module.service : one.name => module.sizes.tasks[name].least }
  balancer     = module.edge.measures
  data         = module.data.identifiers
  storage_gib  = module.sizes.database.storage
}
