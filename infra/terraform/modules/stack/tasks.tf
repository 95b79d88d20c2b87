# Which tasks there are, and what each is given. The words come from plan/processes; here the addresses are filled in.

locals {
  prefix  = module.addresses.prefix
  servers = toset([for entry in yamldecode(file("${var.repository}/${var.gateway_file}")).servers : basename(try(entry.path, entry))])
  secrets = setunion(module.processes.secrets, var.issuer.here ? ["postgres-keycloak", "keycloak-admin"] : [])

  start     = file("${path.module}/../../src/in_task/start.py")
  databases = file("${path.module}/../../src/in_task/databases.py")
  known = {
    "{database}"      = module.data.database_address
    "{administrator}" = module.data.administrator.login
    "{valkey}"        = module.data.valkey_address
    "{valkey_user}"   = module.data.valkey_user.name
    "{archive}"       = module.archive.archive_name
  }
  # where a secret's value is; of the administrator's, which RDS keeps as JSON, the password alone
  secret_arns = merge(
    module.keys.secret_arns,
    { administrator = "${module.data.administrator.secret_arn}:password::" },
  )

  # the databases come first, then what each setup prepares in its own
  setups = merge(
    { for name, one in module.processes.setups : "setup-${name}" => one },
    {
      setup-databases = {
        server  = "gateway"
        command = ["{python}", "-c", local.databases]
        environment = merge(
          {
            ADMIN_URL     = "postgresql://{administrator}:{secret:SECRET_ADMINISTRATOR}@{database}:5432/postgres?sslmode=verify-full"
            DATABASES     = jsonencode(concat(module.processes.databases, var.issuer.here ? ["keycloak"] : []))
            OWNERS        = jsonencode(var.issuer.here ? { keycloak = "keycloak" } : {})
            PGSSLMODE     = "verify-full"
            PGSSLROOTCERT = "/dev/shm/mcp/database-ca.pem"
          },
          var.issuer.here ? { PASSWORD_KEYCLOAK = "{secret:SECRET_POSTGRES_KEYCLOAK}" } : {},
        )
        secrets = merge(
          { SECRET_ADMINISTRATOR = "administrator" },
          var.issuer.here ? { SECRET_POSTGRES_KEYCLOAK = "postgres-keycloak" } : {},
        )
      }
    },
  )

  # every Python process begins with start.py
  python = merge(
    { for name, one in module.processes.processes : name => merge(one, { image = name, once = false }) },
    { for name, one in local.setups : name => merge(one, { image = one.server, once = true, files = {}, port = 0, health = "", stop = 30 }) },
  )
  environment = {
    for name, one in local.python : name => merge(
      {
        for key, value in one.environment : key => replace(replace(replace(replace(replace(value,
          "{database}", local.known["{database}"]), "{administrator}", local.known["{administrator}"]),
          "{valkey}", local.known["{valkey}"]), "{valkey_user}", local.known["{valkey_user}"]),
        "{archive}", local.known["{archive}"])
      },
      {
        START_FILES      = jsonencode(merge(one.files, { "database-ca.pem" = "FILE_DATABASE_CA" }))
        FILE_DATABASE_CA = var.database_ca
      },
    )
  }
}

module "task" {
  source   = "../task"
  for_each = local.python

  prefix       = local.prefix
  name         = each.key
  region       = var.region
  account_id   = var.account_id
  vpc_id       = module.network.vpc_id
  keys         = module.keys.arns
  boundary_arn = aws_iam_policy.boundary.arn
  architecture = var.architecture
  exec         = var.exec && !each.value.once
  image        = var.images[each.value.image]
  user         = var.user
  entry        = ["python"]
  command      = concat(["-c", local.start], each.value.command)
  environment  = local.environment[each.key]
  secrets      = { for variable, name in each.value.secrets : variable => local.secret_arns[name] }
  ports        = each.value.once ? {} : { http = each.value.port }
  stop         = each.value.stop
  size         = each.value.once ? { cpu = 256, memory = 1024 } : module.sizes.tasks[each.key]
  rights       = each.key == "gateway" ? local.gateway_rights : []
  # alive is another question than ready: a task that waits for the ledger is not to be killed
  health = each.value.once ? null : [
    "CMD", "python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:${each.value.port}/healthz', timeout=3)",
  ]
}

module "service" {
  source   = "../service"
  for_each = var.serve ? local.services : {}

  prefix         = local.prefix
  name           = each.key
  cluster        = local.cluster
  definition_arn = each.value.definition_arn
  group_id       = each.value.group_id
  subnet_ids     = module.network.subnet_ids["private"]
  port           = each.value.port
  targets        = each.value.targets
  wait           = ceil(module.processes.longest) + 30
  size           = module.sizes.tasks[each.key]

  depends_on = [aws_vpc_security_group_egress_rule.this, aws_vpc_security_group_ingress_rule.this]
}

locals {
  services = merge(
    {
      for name, one in module.processes.processes : name => {
        definition_arn = module.task[name].definition_arn
        group_id       = module.task[name].group_id
        port           = one.port
        targets        = name == "gateway" ? [module.edge.targets["gateway"]] : []
      }
    },
    {
      collector = {
        definition_arn = module.collector.definition_arn
        group_id       = module.collector.group_id
        port           = 4318
        targets        = []
      }
    },
    !var.issuer.here ? {} : {
      keycloak = {
        definition_arn = module.keycloak[0].definition_arn
        group_id       = module.keycloak[0].group_id
        port           = 8080
        targets        = [module.edge.targets["keycloak"]]
      }
    },
  )
}
