# Two roles: one with which ECS starts the task, and one that the process itself has. Neither goes beyond the boundary.

locals {
  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
  # without the part behind the sixth colon: `:password::` chooses within a secret
  secret_arns = distinct([for arn in values(var.secrets) : join(":", slice(split(":", arn), 0, 7))])
  repository  = regex("^(?:([0-9]+)\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com/)?(.+)@sha256:", var.image)
  rights = concat(var.rights, !var.exec ? [] : [{
    Effect   = "Allow"
    Action   = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
    Resource = "*"
  }])
}

resource "aws_iam_role" "start" {
  name                 = "${var.prefix}-${var.name}-start"
  assume_role_policy   = local.trust
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role_policy" "start" {
  name = "start"
  role = aws_iam_role.start.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${aws_cloudwatch_log_group.this.arn}:*"
        },
        {
          Effect   = "Allow"
          Action   = "ecr:GetAuthorizationToken"
          Resource = "*" # it names no repository
        },
      ],
      local.repository[0] == null ? [] : [{
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:${local.repository[1]}:${local.repository[0]}:repository/${local.repository[2]}"
      }],
      [for statement in [
        {
          Effect   = "Allow"
          Action   = "secretsmanager:GetSecretValue"
          Resource = local.secret_arns
        },
        {
          Effect    = "Allow"
          Action    = "kms:Decrypt"
          Resource  = var.keys["secrets"]
          Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
        },
      ] : statement if length(var.secrets) > 0],
    )
  })
}

resource "aws_iam_role" "task" {
  name                 = "${var.prefix}-${var.name}-task"
  assume_role_policy   = local.trust
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role_policy" "task" {
  count = length(local.rights) == 0 ? 0 : 1

  name   = "task"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.rights })
}
