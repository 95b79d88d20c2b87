output "flows" {
  description = "From whom, to whom, which port, why."
  value       = local.flows

  precondition {
    condition     = length(local.unwritable) == 0
    error_message = "A reason may have 255 plain letters, digits and punctuation, without quotes: ${jsonencode(local.unwritable)}."
  }
}

output "hosts" {
  description = "Names outside AWS that may be looked up."
  value       = sort(local.hosts)
}
