# What the gateway is given when it runs.

locals {
  gateway_env = merge(
    {
      GATEWAY_CONFIG            = "/srv/${var.gateway_file}"
      GATEWAY_PUBLIC_URL        = var.public_url
      GATEWAY_ISSUER            = var.issuer
      GATEWAY_PROFILE           = "production"
      GATEWAY_HOST              = "0.0.0.0"
      GATEWAY_PORT              = "8080"
      GATEWAY_REPLICA           = "{task}"
      GATEWAY_TRUSTED_PROXIES   = tostring(var.proxies)
      GATEWAY_KEYS              = "/dev/shm/mcp/keys"
      GATEWAY_LEDGER_URL        = "{postgres:ledger:audit_writer}"
      GATEWAY_LEDGER_READER_URL = "{postgres:ledger:audit_reader}"
      GATEWAY_LEDGER_DISK       = "${var.ledger_gib} GiB"
      GATEWAY_CHECKPOINTS       = "s3://{archive}/checkpoints?lock=compliance&days=${var.keep_days}"
      GATEWAY_REDIS_URL         = "rediss://{valkey_user}:{secret:valkey}@{valkey}:6379/0"
      GATEWAY_UPSTREAMS         = jsonencode({ for name in keys(local.folders) : name => "http://${name}:${local.port}/mcp" })
      OTEL_SERVICE_NAME         = "gateway"
    },
    var.issuer_inside == null ? {} : { GATEWAY_ISSUER_INTERNAL = var.issuer_inside },
    local.telemetry,
    local.database_tls,
  )

  # files of GATEWAY_KEYS, each from the secret of its name; keys of bytes are kept in base64
  gateway_files = {
    for name in [
      "checkpoint.pem", "checkpoint.pub", "gateway-assertion.pem", "ledger.pem", "ledger.pub", "payload.key",
      "sealing.key", "session.key",
    ] :
    "keys/${name}" => { secret = name, base64 = endswith(name, ".key") }
  }

  sharing = try(local.limits.replicas, 2)
}
