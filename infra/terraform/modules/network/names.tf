# A name that is not listed does not resolve, so port 443 of the world is not open in practice. An address given as
# numbers goes round this: where that matters, put a firewall between the private subnets and NAT.

resource "aws_route53_resolver_firewall_domain_list" "allowed" {
  name = "${var.prefix}-allowed"
  domains = concat(
    ["*.amazonaws.com.", "*.${var.region}.compute.internal."],
    [for host in sort(tolist(var.hosts)) : "${host}."],
  )
}

resource "aws_route53_resolver_firewall_domain_list" "all" {
  name    = "${var.prefix}-all"
  domains = ["*."]
}

resource "aws_route53_resolver_firewall_rule_group" "this" {
  name = var.prefix
}

resource "aws_route53_resolver_firewall_rule" "allow" {
  name                    = "listed"
  action                  = "ALLOW"
  priority                = 100
  firewall_rule_group_id  = aws_route53_resolver_firewall_rule_group.this.id
  firewall_domain_list_id = aws_route53_resolver_firewall_domain_list.allowed.id
}

resource "aws_route53_resolver_firewall_rule" "block" {
  name                    = "anything-else"
  action                  = "BLOCK"
  block_response          = "NXDOMAIN"
  priority                = 200
  firewall_rule_group_id  = aws_route53_resolver_firewall_rule_group.this.id
  firewall_domain_list_id = aws_route53_resolver_firewall_domain_list.all.id
}

resource "aws_route53_resolver_firewall_rule_group_association" "this" {
  name                   = var.prefix
  firewall_rule_group_id = aws_route53_resolver_firewall_rule_group.this.id
  priority               = 200
  vpc_id                 = aws_vpc.this.id
}

resource "aws_route53_resolver_firewall_config" "closed" {
  resource_id        = aws_vpc.this.id
  firewall_fail_open = "DISABLED"
}
