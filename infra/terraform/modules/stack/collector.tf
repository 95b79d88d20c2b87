# Where spans and measures of all processes go: X-Ray and Prometheus, in this account.

resource "aws_prometheus_workspace" "this" {
  alias       = local.prefix
  kms_key_arn = module.keys.arns["logs"]

  logging_configuration {
    log_group_arn = "${aws_cloudwatch_log_group.prometheus.arn}:*"
  }
}

resource "aws_cloudwatch_log_group" "prometheus" {
  name              = "/${local.prefix}/prometheus"
  retention_in_days = 365
  kms_key_id        = module.keys.arns["logs"]
}

module "collector" {
  source = "../task"

  prefix       = local.prefix
  name         = "collector"
  region       = var.region
  account_id   = var.account_id
  vpc_id       = module.network.vpc_id
  keys         = module.keys.arns
  boundary_arn = aws_iam_policy.boundary.arn
  architecture = var.architecture
  exec         = false # there is no shell in it
  image        = var.images["collector"]
  user         = "10001:10001"
  ports        = { http = 4318 }
  health       = ["CMD", "/healthcheck"]
  stop         = 30
  size         = module.sizes.tasks["collector"]
  environment = {
    AOT_CONFIG_CONTENT = yamlencode({
      extensions = {
        health_check = {}
        sigv4auth    = { region = var.region, service = "aps" }
      }
      receivers = { otlp = { protocols = { http = { endpoint = "0.0.0.0:4318" } } } }
      processors = {
        memory_limiter = { check_interval = "1s", limit_percentage = 75, spike_limit_percentage = 20 }
        batch          = { timeout = "5s" }
      }
      exporters = {
        awsxray = { region = var.region }
        prometheusremotewrite = {
          endpoint                         = "${aws_prometheus_workspace.this.prometheus_endpoint}api/v1/remote_write"
          auth                             = { authenticator = "sigv4auth" }
          resource_to_telemetry_conversion = { enabled = true }
        }
      }
      service = {
        extensions = ["health_check", "sigv4auth"]
        telemetry  = { logs = { encoding = "json" } }
        pipelines = {
          traces  = { receivers = ["otlp"], processors = ["memory_limiter", "batch"], exporters = ["awsxray"] }
          metrics = { receivers = ["otlp"], processors = ["memory_limiter", "batch"], exporters = ["prometheusremotewrite"] }
        }
      }
    })
  }
  rights = [
    {
      Effect   = "Allow"
      Action   = "aps:RemoteWrite"
      Resource = aws_prometheus_workspace.this.arn
    },
    {
      Effect   = "Allow"
      Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      Resource = "*" # X-Ray has nothing smaller
    },
  ]
}
