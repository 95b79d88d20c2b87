# Which paths exist for the world. /healthz and /readyz do not, nor does anything that nobody listed.

resource "aws_lb_listener_rule" "gateway" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10

  condition {
    host_header {
      values = [var.gateway_host]
    }
  }
  condition {
    path_pattern {
      values = ["/mcp", "/servers/*/mcp", "/.well-known/oauth-protected-resource*", "/console*"]
    }
  }
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gateway.arn
  }
}

# one realm, and the pages' own pictures; master, metrics and health stay inside
resource "aws_lb_listener_rule" "issuer" {
  count = var.issuer_host == null ? 0 : 1

  listener_arn = aws_lb_listener.https.arn
  priority     = 20

  condition {
    host_header {
      values = [var.issuer_host]
    }
  }
  condition {
    path_pattern {
      values = ["/realms/${var.realm}/*", "/resources/*", "/.well-known/*/realms/${var.realm}"]
    }
  }
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.issuer[0].arn
  }
}

resource "aws_lb_listener_rule" "administration" {
  count = var.issuer_host == null || length(var.administrators) == 0 ? 0 : 1

  listener_arn = aws_lb_listener.https.arn
  priority     = 30

  condition {
    host_header {
      values = [var.issuer_host]
    }
  }
  condition {
    source_ip {
      values = var.administrators
    }
  }
  condition {
    path_pattern {
      values = ["/admin/*", "/realms/master/*"]
    }
  }
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.issuer[0].arn
  }
}
