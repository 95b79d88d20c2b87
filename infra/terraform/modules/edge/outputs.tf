output "dns_name" {
  description = "Where the names of gateway and issuer have to lead (alias or CNAME)."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "For an alias record."
  value       = aws_lb.this.zone_id
}

output "group_id" {
  description = "Security group of the load balancer."
  value       = aws_security_group.this.id
}

output "targets" {
  description = "Target groups by process; known when their listener rules are there."
  value = merge(
    { gateway = aws_lb_listener_rule.gateway.action[0].target_group_arn },
    var.issuer_host == null ? {} : { keycloak = aws_lb_listener_rule.issuer[0].action[0].target_group_arn },
  )
}

output "measures" {
  description = "Names under which load balancer and target group report."
  value       = { balancer = aws_lb.this.arn_suffix, gateway = aws_lb_target_group.gateway.arn_suffix }
}
