output "prefix" {
  description = "What every name in the account begins with."
  value       = local.prefix

  precondition {
    condition     = length("${local.prefix}-gateway") <= 32
    error_message = "The load balancer's names may have 32 characters: choose a shorter name."
  }
}

output "subnets" {
  description = "For each kind (private, isolated, public) a network in each zone."
  value       = local.subnets

  precondition {
    condition     = length(local.overlapping) == 0
    error_message = "${var.cidr} overlaps ${join(", ", local.overlapping)}: traffic between them could not be routed."
  }
}
