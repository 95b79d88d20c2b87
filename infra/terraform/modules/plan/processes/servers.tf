# What each listed server is given when it runs. stack.toml says it for one machine; here the same words mean AWS:
# {postgres:DATABASE:LOGIN}, {postgres_admin:DATABASE} and {secret:NAME}. {database} is filled where the address is known.

locals {
  port = 8000 # of every server, inside the network

  additions = { for name in keys(local.folders) : name => try(var.additions[name], {}) }

  # a setting that servers.yaml gives replaces the one for a single machine
  own = {
    for name, one in local.told : name => merge(one.env, try(local.additions[name].settings, {}))
  }
  setup_list = flatten([
    for name, one in local.told : [
      for index, setup in one.setups : {
        key     = length(one.setups) == 1 ? name : "${name}-${index + 1}"
        server  = name
        command = setup.command
        env     = setup.env
      }
    ] if !can(local.additions[name].setup)
  ])
  setup_replaced = [
    for name, one in local.additions : {
      key = name, server = name, command = one.setup.command, env = try(one.setup.env, local.told[name].setups[0].env, {})
    } if can(one.setup.command)
  ]
  setups_meant = concat(local.setup_list, local.setup_replaced, [{
    key     = "ledger"
    server  = "gateway"
    command = ["{python}", "-m", "mcp_gateway.audit", "migrate"]
    env = {
      LEDGER_ADMIN_URL       = "{postgres_admin:ledger}"
      LEDGER_WRITER_PASSWORD = "{secret:postgres-audit_writer}"
      LEDGER_READER_PASSWORD = "{secret:postgres-audit_reader}"
    }
  }])

  telemetry = {
    OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector:4318"
    OTEL_EXPORTER_OTLP_TIMEOUT  = "5"
    OTEL_BSP_SCHEDULE_DELAY     = "5000"
    OTEL_METRIC_EXPORT_INTERVAL = "60000"
  }
  database_tls = { PGSSLMODE = "verify-full", PGSSLROOTCERT = "/dev/shm/mcp/database-ca.pem" }

  issuer_path = regex("^https://[^/]+(/.*)$", var.issuer)[0]
  issuer_here = "${coalesce(var.issuer_inside, trimsuffix(var.issuer, local.issuer_path))}${local.issuer_path}"

  meant = merge(
    { gateway = { command = ["{python}", "-m", "mcp_gateway"], health = "/readyz", port = 8080, stop = 45, env = local.gateway_env } },
    {
      for name, one in local.told : name => {
        command = one.command
        health  = one.health
        port    = local.port
        stop    = 20 # a server drains for ten seconds
        env = merge(local.own[name], {
          MCP_HOST          = "0.0.0.0"
          MCP_PORT          = tostring(local.port)
          MCP_PROFILE       = "production"
          MCP_RESOURCE      = local.resources[name][0]
          MCP_ISSUER        = var.issuer
          MCP_JWKS_URL      = "${local.issuer_here}/protocol/openid-connect/certs"
          MCP_CALLERS       = "${var.public_url}/mcp,${var.public_url}/servers/${name}/mcp"
          OTEL_SERVICE_NAME = name
        }, local.telemetry, local.database_tls)
      }
    },
  )
}
