# One key for each class of data, so that the right to read logs is not the right to read the ledger.

locals {
  classes = {
    ledger  = "Records in PostgreSQL"
    limits  = "Counters in Valkey"
    secrets = "Passwords and private keys"
    archive = "Checkpoints and exports"
    tasks   = "Disks of tasks"
    logs    = "Logs, traces of the network, alarms"
    names   = "Certificates between tasks"
  }
  # services that use a key for their own data, and what they say when they do
  services = {
    logs = ["logs.${var.region}.amazonaws.com", "cloudwatch.amazonaws.com", "sns.amazonaws.com"]
  }
}

resource "aws_kms_key" "this" {
  for_each = local.classes

  description             = each.value
  enable_key_rotation     = true
  deletion_window_in_days = var.recovery_days
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "AccountAdministers"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      }],
      each.key != "tasks" ? [] : [{
        Sid       = "FargateMakesDisks"
        Effect    = "Allow"
        Principal = { Service = "fargate.amazonaws.com" }
        Action    = ["kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant"]
        Resource  = "*"
        Condition = { StringEquals = { "kms:EncryptionContext:aws:ecs:clusterAccount" = var.account_id } }
      }],
      [for service in lookup(local.services, each.key, []) : {
        Sid       = replace(title(replace(service, "/[^a-z]+/", " ")), " ", "")
        Effect    = "Allow"
        Principal = { Service = service }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = startswith(service, "logs.") ? {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${var.account_id}:*" }
        } : { StringEquals = { "aws:SourceAccount" = var.account_id } }
      }],
    )
  })
}

resource "aws_kms_alias" "this" {
  for_each = local.classes

  name          = "alias/${var.prefix}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

resource "aws_secretsmanager_secret" "this" {
  for_each = var.secrets

  #checkov:skip=CKV2_AWS_57:programs read a secret when they start; a new value is a runbook step with a deployment, see README
  name                    = "${var.prefix}/${each.key}"
  description             = "Read when a task starts; filled outside of Terraform"
  kms_key_id              = aws_kms_key.this["secrets"].arn
  recovery_window_in_days = var.recovery_days
}
