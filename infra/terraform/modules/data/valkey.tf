# Limits and the bell of the kill switches. Nothing here must be kept: lost, limits start anew and the bell rings.

resource "aws_elasticache_subnet_group" "this" {
  name       = var.prefix
  subnet_ids = var.subnet_ids
}

resource "aws_security_group" "valkey" {
  name        = "${var.prefix}-valkey"
  description = "Valkey"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.prefix}-valkey" }
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.prefix}-valkey8"
  family      = "valkey8"
  description = "Memory full: writes fail, and the gateway falls back, rather than forget limits"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

# Nobody can use this one until fill_secrets.py gives it the password: as an IAM user it needs a right to connect
# that no role here has. So the password stands in no state, and what the user may do stands in code.
resource "aws_elasticache_user" "gateway" {
  user_id       = "${var.prefix}-gateway"
  user_name     = "${var.prefix}-gateway"
  engine        = "valkey"
  access_string = "on ~{mcp}:* resetchannels -@all +@connection +eval +evalsha +script|load +get +mget +set +time +ping"

  authentication_mode {
    type = "iam"
  }

  lifecycle {
    ignore_changes = [authentication_mode]
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.prefix
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.gateway.user_id]
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV2_AWS_50:one node in dev has nothing to fail over to; plan/sizes gives the other sizes two or more
  #checkov:skip=CKV_AWS_31:signs in by user and password of the user group, the newer way; the older token would exclude it
  replication_group_id = "${var.prefix}-limits"
  description          = "Limits of the gateway, shared by its tasks"
  engine               = "valkey"
  engine_version       = "8.0"
  node_type            = var.valkey.class
  num_cache_clusters   = var.valkey.nodes
  port                 = 6379

  automatic_failover_enabled = var.valkey.nodes > 1
  multi_az_enabled           = var.valkey.nodes > 1
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.valkey.id]
  parameter_group_name       = aws_elasticache_parameter_group.this.name

  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = var.limits_key_arn

  auto_minor_version_upgrade = true
  maintenance_window         = "sun:05:00-sun:06:00"
  snapshot_retention_limit   = 0
  apply_immediately          = false

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.valkey.name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "engine-log"
  }
}

resource "aws_cloudwatch_log_group" "valkey" {
  name              = "/${var.prefix}/valkey"
  retention_in_days = 365
  kms_key_id        = var.logs_key_arn
}
