# Where tasks run, and how they find and trust each other.

resource "aws_ecs_cluster" "this" {
  name = local.prefix

  setting {
    name  = "containerInsights"
    value = "enhanced"
  }
  configuration {
    managed_storage_configuration {
      fargate_ephemeral_storage_kms_key_id = module.keys.arns["tasks"]
    }
    execute_command_configuration {
      kms_key_id = module.keys.arns["logs"]
      logging    = "OVERRIDE"

      log_configuration {
        cloud_watch_encryption_enabled = true
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.exec.name
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "exec" {
  name              = "/${local.prefix}/exec"
  retention_in_days = 365
  kms_key_id        = module.keys.arns["logs"]
}

resource "aws_service_discovery_http_namespace" "this" {
  name        = local.prefix
  description = "Names of services for each other"
}

locals {
  cluster = {
    arn          = aws_ecs_cluster.this.arn
    name         = aws_ecs_cluster.this.name
    namespace    = aws_service_discovery_http_namespace.this.arn
    authority    = var.encrypt_inside ? aws_acmpca_certificate_authority_certificate.this[0].certificate_authority_arn : null
    tls_role_arn = var.encrypt_inside ? aws_iam_role.tls[0].arn : null
    tls_key_arn  = module.keys.arns["names"]
    exec         = var.exec
  }
}

# certificates of a few days, made and changed by Service Connect
resource "aws_acmpca_certificate_authority" "this" {
  count = var.encrypt_inside ? 1 : 0

  type       = "ROOT"
  usage_mode = "SHORT_LIVED_CERTIFICATE"

  certificate_authority_configuration {
    key_algorithm     = "EC_prime256v1"
    signing_algorithm = "SHA256WITHECDSA"

    subject {
      common_name = "${local.prefix} between tasks"
    }
  }

  tags = { AmazonECSManaged = "true" } # the managed policy below asks for it
}

resource "aws_acmpca_certificate" "root" {
  count = var.encrypt_inside ? 1 : 0

  certificate_authority_arn   = aws_acmpca_certificate_authority.this[0].arn
  certificate_signing_request = aws_acmpca_certificate_authority.this[0].certificate_signing_request
  signing_algorithm           = "SHA256WITHECDSA"
  template_arn                = "arn:aws:acm-pca:::template/RootCACertificate/V1"

  validity {
    type  = "YEARS"
    value = "10"
  }
}

resource "aws_acmpca_certificate_authority_certificate" "this" {
  count = var.encrypt_inside ? 1 : 0

  certificate_authority_arn = aws_acmpca_certificate_authority.this[0].arn
  certificate               = aws_acmpca_certificate.root[0].certificate
  certificate_chain         = aws_acmpca_certificate.root[0].certificate_chain
}

resource "aws_iam_role" "tls" {
  count = var.encrypt_inside ? 1 : 0

  name = "${local.prefix}-service-connect-tls"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "tls" {
  count = var.encrypt_inside ? 1 : 0

  role       = aws_iam_role.tls[0].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
}

resource "aws_iam_role_policy" "tls" {
  count = var.encrypt_inside ? 1 : 0

  name = "own-key"
  role = aws_iam_role.tls[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair"]
      Resource = module.keys.arns["names"]
    }]
  })
}
