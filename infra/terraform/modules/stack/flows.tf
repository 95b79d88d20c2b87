# One rule for each connection of plan/flows, on both sides of it.

locals {
  groups = merge(
    { edge = module.edge.group_id, endpoints = module.network.endpoints_group_id, collector = module.collector.group_id },
    module.data.group_ids,
    { for name, one in module.task : name => one.group_id },
    var.issuer.here ? { keycloak = module.keycloak[0].group_id } : {},
  )
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = { for key, one in module.flows.flows : key => one if !contains(["s3", "host"], one.to) }

  security_group_id            = local.groups[each.value.to]
  referenced_security_group_id = each.value.from == "world" ? null : local.groups[each.value.from]
  cidr_ipv4                    = each.value.from == "world" ? each.value.cidr : null
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.value.reason
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = { for key, one in module.flows.flows : key => one if one.from != "world" }

  security_group_id            = local.groups[each.value.from]
  referenced_security_group_id = contains(["s3", "host"], each.value.to) ? null : local.groups[each.value.to]
  prefix_list_id               = each.value.to == "s3" ? module.network.s3_prefix_list_id : null
  cidr_ipv4                    = each.value.to == "host" ? "0.0.0.0/0" : null # through NAT; the resolver knows the listed names alone
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.value.reason
}
