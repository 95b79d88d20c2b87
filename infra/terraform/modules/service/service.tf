# How many of it run, how a new version replaces the old, and how others find it.

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = var.cluster.arn
  task_definition = var.definition_arn
  launch_type     = "FARGATE"

  #checkov:skip=CKV_AWS_332:1.4.0 is what LATEST means, and does not change by itself
  platform_version              = "1.4.0"
  desired_count                 = var.size.least
  availability_zone_rebalancing = "ENABLED"
  enable_execute_command        = var.cluster.exec
  propagate_tags                = "SERVICE"

  # new tasks beside the old ones; the old go when the new are well, and stay when they are not
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = length(var.targets) == 0 ? null : 120
  wait_for_steady_state              = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.group_id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = var.targets

    content {
      target_group_arn = load_balancer.value
      container_name   = var.name
      container_port   = var.port
    }
  }

  service_connect_configuration {
    enabled   = true
    namespace = var.cluster.namespace

    service {
      port_name      = "http"
      discovery_name = var.name

      client_alias {
        dns_name = var.name
        port     = var.port
      }
      timeout {
        per_request_timeout_seconds = var.wait
      }

      dynamic "tls" {
        for_each = var.cluster.authority == null ? [] : [var.cluster.authority]

        content {
          kms_key  = var.cluster.tls_key_arn
          role_arn = var.cluster.tls_role_arn

          issuer_cert_authority {
            aws_pca_authority_arn = tls.value
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [desired_count] # the scaling below decides
  }
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.size.least
  max_capacity       = var.size.most
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "${var.prefix}-${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60 # percent
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
