# The only way in. TLS ends here. Nobody is bound to one task: no task keeps a session.

resource "aws_security_group" "this" {
  name        = "${var.prefix}-edge"
  description = "Load balancer"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.prefix}-edge" }
}

resource "aws_lb" "this" {
  name               = "${var.prefix}-edge"
  internal           = var.inside
  load_balancer_type = "application"
  security_groups    = [aws_security_group.this.id]
  subnets            = var.subnet_ids

  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  preserve_host_header       = true     # the gateway answers to its own name alone
  xff_header_processing_mode = "append" # GATEWAY_TRUSTED_PROXIES counts this one
  # silent for longer than the slowest tool; a stream says something every 15 s
  idle_timeout               = max(60, ceil(var.longest) + 30)
  enable_deletion_protection = var.production

  access_logs {
    enabled = true
    bucket  = var.logs_name
    prefix  = "alb"
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "Not found"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_target_group" "gateway" {
  #checkov:skip=CKV_AWS_378:inside the private subnets; see README, "What travels in clear"
  name        = "${var.prefix}-gateway"
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "HTTP"
  port        = 8080

  deregistration_delay          = 60 # a call under way has 30 s to end
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    path                = "/readyz" # the ledger takes records and tokens can be checked
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_target_group" "issuer" {
  count = var.issuer_host == null ? 0 : 1

  #checkov:skip=CKV_AWS_378:inside the private subnets; see README, "What travels in clear"
  name        = "${var.prefix}-issuer"
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "HTTP"
  port        = 8080

  deregistration_delay = 60

  health_check {
    path                = "/health/ready"
    port                = "9000"
    matcher             = "200"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 4
  }
}
