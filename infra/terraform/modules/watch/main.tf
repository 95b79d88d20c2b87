# What is watched from outside the processes. Alarms on what they measure themselves are infra/observability's.

resource "aws_sns_topic" "alarms" {
  name              = "${var.prefix}-alarms"
  kms_master_key_id = var.logs_key_arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "mail" {
  for_each = toset(var.mail)

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

locals {
  balancer = { LoadBalancer = var.balancer.balancer }
  alarms = {
    gateway-not-ready = {
      namespace  = "AWS/ApplicationELB", metric = "HealthyHostCount", statistic = "Minimum", below = true, value = 1, minutes = 2
      dimensions = merge(local.balancer, { TargetGroup = var.balancer.gateway })
      text       = "No task of the gateway is ready: the ledger or the issuer is away. Runbooks ledger-down, issuer-down."
    }
    gateway-errors = {
      namespace  = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", statistic = "Sum", below = false, value = 20, minutes = 5
      dimensions = merge(local.balancer, { TargetGroup = var.balancer.gateway })
      text       = "The gateway answers with errors. Refusals for want of the ledger are 503."
    }
    edge-errors = {
      namespace  = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", statistic = "Sum", below = false, value = 20, minutes = 5
      dimensions = local.balancer
      text       = "The load balancer itself answers with errors: no task, or one that does not answer."
    }
    database-storage = {
      namespace  = "AWS/RDS", metric = "FreeStorageSpace", statistic = "Minimum", below = true, value = var.storage_gib * 0.15 * 1073741824, minutes = 15
      dimensions = { DBInstanceIdentifier = var.data.database }
      text       = "The database runs full. A ledger that cannot write stops every call."
    }
    database-busy = {
      namespace  = "AWS/RDS", metric = "CPUUtilization", statistic = "Average", below = false, value = 80, minutes = 15
      dimensions = { DBInstanceIdentifier = var.data.database }
      text       = "The database is busy. The warehouse asks it, too."
    }
    valkey-memory = {
      namespace  = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", statistic = "Maximum", below = false, value = 80, minutes = 15
      dimensions = { ReplicationGroupId = var.data.valkey }
      text       = "Valkey runs full. Then writes fail, and the gateway refuses expensive calls. Runbook valkey-down."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.below ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = each.value.value
  period              = 60
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.minutes
  treat_missing_data  = each.value.below ? "breaching" : "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "tasks" {
  for_each = var.services

  alarm_name          = "${var.prefix}-${each.key}-tasks"
  alarm_description   = "Fewer tasks of ${each.key} run than it needs."
  namespace           = "ECS/ContainerInsights"
  metric_name         = "RunningTaskCount"
  dimensions          = { ClusterName = var.cluster, ServiceName = each.key }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = each.value
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_budgets_budget" "month" {
  name         = "${var.prefix}-month"
  budget_type  = "COST"
  limit_amount = tostring(var.budget)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }

    content {
      notification_type          = notification.key
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = var.mail
    }
  }
}
