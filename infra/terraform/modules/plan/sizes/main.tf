# How much of everything, and whether the database can serve it. Pure: no provider, no clock, no state.

locals {
  sizes = {
    dev = {
      gateway   = { cpu = 512, memory = 1024, least = 1, most = 2 }
      server    = { cpu = 256, memory = 512, least = 1, most = 1 }
      keycloak  = { cpu = 1024, memory = 2048, least = 1, most = 1 }
      collector = { cpu = 256, memory = 512, least = 1, most = 1 }
      database  = { class = "db.t4g.medium", gib = 4, storage = 50, most_storage = 100 }
      valkey    = { class = "cache.t4g.micro", nodes = 1 }
    }
    small = {
      gateway   = { cpu = 512, memory = 1024, least = 2, most = 4 }
      server    = { cpu = 512, memory = 1024, least = 2, most = 4 }
      keycloak  = { cpu = 1024, memory = 2048, least = 2, most = 2 }
      collector = { cpu = 512, memory = 1024, least = 1, most = 1 }
      database  = { class = "db.m7g.large", gib = 8, storage = 100, most_storage = 1000 }
      valkey    = { class = "cache.t4g.small", nodes = 2 }
    }
    large = {
      gateway   = { cpu = 1024, memory = 2048, least = 3, most = 12 }
      server    = { cpu = 1024, memory = 2048, least = 3, most = 12 }
      keycloak  = { cpu = 2048, memory = 4096, least = 3, most = 4 }
      collector = { cpu = 2048, memory = 4096, least = 1, most = 1 }
      database  = { class = "db.r7g.xlarge", gib = 32, storage = 500, most_storage = 4000 }
      valkey    = { class = "cache.m7g.large", nodes = 3 }
    }
  }
  chosen = local.sizes[var.size]

  table = merge(
    { for name in ["gateway", "keycloak", "collector"] : name => local.chosen[name] },
    { for name in var.servers : name => local.chosen.server },
  )
  tasks = {
    for name, given in local.table : name => {
      cpu    = coalesce(try(var.changes[name].cpu, null), given.cpu)
      memory = coalesce(try(var.changes[name].memory, null), given.memory)
      least  = coalesce(try(var.changes[name].least, null), given.least)
      most   = coalesce(try(var.changes[name].most, null), given.most)
    }
  }

  # what Fargate sells: MiB per CPU unit
  sold = {
    256  = [512, 1024, 2048]
    512  = [for gib in range(1, 5) : gib * 1024]
    1024 = [for gib in range(2, 9) : gib * 1024]
    2048 = [for gib in range(4, 17) : gib * 1024]
    4096 = [for gib in range(8, 31) : gib * 1024]
  }
  unsold   = [for name, one in local.tasks : name if !contains(lookup(local.sold, one.cpu, []), one.memory)]
  reversed = [for name, one in local.tasks : name if one.least < 1 || one.least > one.most]

  # a deployment runs old and new tasks side by side, so every process counts twice
  asked = sum([
    for name, one in local.tasks :
    one.most * 2 * lookup(var.connections, name, name == "collector" ? 0 : var.connections.server)
  ])
  # RDS: memory / 9531392, at most 5000; the database itself takes about a tenth of the memory first
  offered = min(5000, floor(local.chosen.database.gib * 1024 * 1024 * 1024 * 0.9 / 9531392))
  budget  = floor(local.offered * 0.8) # the rest is for setup tasks, people and the database's own
}
