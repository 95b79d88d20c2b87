# What no role of a task can go beyond, whatever is written into it later; and what the gateway itself may do.

resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_290:a boundary gives nothing; each task's own policy names its resources
  #checkov:skip=CKV_AWS_355:a boundary gives nothing; tokens of ECR and segments of X-Ray have no resource to name
  name        = "${local.prefix}-boundary"
  description = "The most that any task of ${local.prefix} may do"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "StartAndLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:${var.region}:${var.account_id}:log-group:/${local.prefix}/*"
      },
      {
        Sid    = "Images"
        Effect = "Allow"
        Action = [
          "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
        ]
        Resource = "*"
      },
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = ["arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:${local.prefix}/*", "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:rds!db-*"]
      },
      {
        Sid      = "OwnKeys"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [module.keys.arns["secrets"], module.keys.arns["archive"], module.keys.arns["logs"]]
      },
      {
        Sid      = "IntoTheArchive"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject", "s3:GetObjectVersion"]
        Resource = "${module.archive.archive_arn}/*"
      },
      {
        Sid      = "WhatIsInTheArchive"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = module.archive.archive_arn
      },
      {
        Sid      = "Telemetry"
        Effect   = "Allow"
        Action   = ["aps:RemoteWrite", "xray:PutTraceSegments", "xray:PutSpans", "xray:PutSpansForIndexing"]
        Resource = "*"
      },
      {
        Sid    = "ShellOutsideProduction"
        Effect = var.exec ? "Allow" : "Deny"
        Action = [
          "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ]
        Resource = "*"
      },
    ]
  })
}

locals {
  # it adds checkpoints, and reads them back when it takes over; no right takes away or shortens
  gateway_rights = [
    {
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject", "s3:GetObjectVersion"]
      Resource = "${module.archive.archive_arn}/checkpoints/*"
    },
    {
      Effect   = "Allow"
      Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
      Resource = module.archive.archive_arn
    },
    {
      Effect   = "Allow"
      Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
      Resource = module.keys.arns["archive"]
    },
  ]
}
