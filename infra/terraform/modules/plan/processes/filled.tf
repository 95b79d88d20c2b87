# From what is meant to what a task definition holds: the placeholders of stack.toml become names of secrets, and
# addresses that are put together inside the task, so that no password stands in a plan or a state.

locals {
  logins = "\\{postgres:([a-z0-9_-]+):([a-z0-9_-]+)\\}"
  admins = "\\{postgres_admin:([a-z0-9_-]+)\\}"
  secret = "\\{secret:([A-Za-z0-9_.-]+)\\}"

  jobs = merge(
    { for name, one in local.meant : name => { env = one.env, of = name } },
    { for one in local.setups_meant : "setup-${one.key}" => { env = merge(local.database_tls, one.env), of = one.server } },
  )
  # {secret:NAME} is read from the variable SECRET_NAME by in_task/start.py, which takes it out of the environment
  written = {
    for name, one in local.jobs : name => {
      for key, value in one.env : key => replace(replace(
        value,
        "/${local.logins}/", "postgresql://$2:{secret:postgres-$2}@{database}:5432/$1?sslmode=verify-full"),
        "/${local.admins}/", "postgresql://{administrator}:{secret:administrator}@{database}:5432/$1?sslmode=verify-full",
      )
    }
  }
  wanted = {
    for name, env in local.written : name => toset(concat(
      flatten([for value in values(env) : [for found in regexall(local.secret, value) : found[0]]]),
      name == "gateway" ? [for one in local.gateway_files : one.secret] : [],
    ))
  }
  variable = {
    for name in distinct(flatten([for names in values(local.wanted) : tolist(names)])) :
    name => "SECRET_${upper(replace(name, "/[^A-Za-z0-9]/", "_"))}"
  }
  environment = {
    for name, env in local.written : name => {
      for key, value in env : key => length(regexall(local.secret, value)) == 0 ? value : join("", [
        for part in regexall("(?s)${local.secret}|(.[^{]*)", value) :
        part[0] == null || part[0] == "" ? part[1] : "{secret:${local.variable[part[0]]}}"
      ])
    }
  }

  known = "^(python|task|database|valkey|valkey_user|administrator|archive|secret:[A-Z0-9_]+)$"
  unmet = sort(flatten([
    for name, env in local.environment : [
      for key, value in env : "${name}: ${key} is ${value}"
      if length([for found in regexall("\\{([a-z][a-z0-9_:.-]*[A-Za-z0-9_:.-]*)\\}", value) : 1 if !can(regex(local.known, found[0]))]) > 0
    ]
  ]))
  unmet_commands = sort([
    for one in local.setups_meant : "setup-${one.key}: ${join(" ", one.command)}"
    if length([for word in one.command : 1 if can(regex("\\{[a-z]", word)) && word != "{python}"]) > 0
  ])
  databases = sort(distinct(flatten([
    for env in [for one in local.jobs : one.env] : [
      for value in values(env) : [for found in concat(regexall("\\{postgres:([a-z0-9_-]+):", value), regexall(local.admins, value)) : found[0]]
    ]
  ])))
}
