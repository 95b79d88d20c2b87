# Names and addresses. Pure: no provider, no clock, no state.

locals {
  prefix = "${var.name}-${var.environment}"

  # private: tasks. isolated: databases, with no way out. public: the load balancer and NAT alone.
  cut = cidrsubnets(var.cidr, 4, 4, 4, 6, 6, 6, 8, 8, 8)
  subnets = {
    for place, kind in ["private", "isolated", "public"] :
    kind => { for index, zone in var.zones : zone => local.cut[place * 3 + index] }
  }

  # two networks overlap when both begin alike, read at the shorter of both prefixes
  length = { for one in concat([var.cidr], var.others) : one => tonumber(split("/", one)[1]) }
  overlapping = [
    for one in var.others : one
    if cidrhost("${split("/", one)[0]}/${min(local.length[one], local.length[var.cidr])}", 0) ==
    cidrhost("${split("/", var.cidr)[0]}/${min(local.length[one], local.length[var.cidr])}", 0)
  ]
}
