# One process as a task: nothing on its disk, no rights of the kernel's, no shell, one log.

locals {
  container = merge(
    {
      name                   = var.name
      image                  = var.image
      essential              = true
      user                   = var.user
      readonlyRootFilesystem = true
      privileged             = false
      environment            = [for key in sort(keys(var.environment)) : { name = key, value = var.environment[key] }]
      secrets                = [for key in sort(keys(var.secrets)) : { name = key, valueFrom = var.secrets[key] }]
      portMappings = [
        for name in sort(keys(var.ports)) : merge(
          { name = name, containerPort = var.ports[name], protocol = "tcp" },
          name == "http" ? { appProtocol = "http" } : {},
        )
      ]
      mountPoints = [for index, path in var.scratch : { sourceVolume = "scratch-${index}", containerPath = path, readOnly = false }]
      linuxParameters = {
        initProcessEnabled = true
        capabilities       = { drop = ["ALL"] }
      }
      stopTimeout = var.stop
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = var.region
          awslogs-stream-prefix = var.name
          mode                  = "non-blocking" # a slow log never holds up a call; the ledger is the record
          max-buffer-size       = "8m"
        }
      }
    },
    var.entry == null ? {} : { entryPoint = var.entry },
    var.command == null ? {} : { command = var.command },
    var.health == null ? {} : {
      healthCheck = { command = var.health, interval = 15, timeout = 5, retries = 3, startPeriod = 60 }
    },
  )
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.prefix}/${var.name}"
  retention_in_days = 365
  kms_key_id        = var.keys["logs"]
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.prefix}-${var.name}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(var.size.cpu)
  memory                   = tostring(var.size.memory)
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.container])

  dynamic "volume" {
    for_each = var.scratch

    content {
      name = "scratch-${volume.key}"
    }
  }
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:its tasks have it: a service's by modules/service, a setup's by the command that runs it
  name        = "${var.prefix}-${var.name}"
  description = "Tasks of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.prefix}-${var.name}" }
}
