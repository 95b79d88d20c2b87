# Where spans and measures of all processes go: X-Ray and Prometheus, in this account. The collector's files are those
# of infra/observability, what it takes out of spans included. One task: it decides on a trace when it has seen it whole.

locals {
  collector = "${path.module}/../../../observability/collector"
}

resource "aws_cloudwatch_log_group" "telemetry" {
  name              = "/${local.prefix}/telemetry"
  retention_in_days = 365
  kms_key_id        = module.keys.arns["logs"]
}

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
  command      = ["--config=env:COLLECTOR", "--config=env:COLLECTOR_AWS"]
  ports        = { http = 4318 }
  stop         = 30
  size         = module.sizes.tasks["collector"]
  environment = {
    COLLECTOR            = file("${local.collector}/collector.yaml")
    COLLECTOR_AWS        = file("${local.collector}/cloudwatch.yaml")
    COLLECTOR_HOST       = "0.0.0.0"
    COLLECTOR_MEMORY_MIB = tostring(floor(module.sizes.tasks["collector"].memory * 0.8))
    TELEMETRY_PERSON     = var.person_in_traces
    AWS_REGION           = var.region
    AWS_LOG_GROUP        = aws_cloudwatch_log_group.telemetry.name
    AMP_REMOTE_WRITE     = "${aws_prometheus_workspace.this.prometheus_endpoint}api/v1/remote_write"
  }
  rights = [
    {
      Effect   = "Allow"
      Action   = ["aps:RemoteWrite"]
      Resource = aws_prometheus_workspace.this.arn
    },
    {
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.telemetry.arn}:*"
    },
    {
      Effect   = "Allow"
      Action   = ["xray:PutTraceSegments", "xray:PutSpans", "xray:PutSpansForIndexing"]
      Resource = "*" # X-Ray has nothing smaller
    },
  ]
}
