output "exposure" {
  description = "Every tool that is exposed, and to whom."
  value       = module.stack.exposure
}

output "flows" {
  description = "Every connection that is open, and why."
  value       = module.stack.flows
}

output "balancer" {
  description = "Where both names have to lead."
  value       = module.stack.balancer
}

output "secrets" {
  description = "What fill_secrets.py fills."
  value       = module.stack.secrets
}

output "setups" {
  description = "Tasks to run before the services."
  value       = module.stack.setups
}

output "archive" {
  description = "The bucket for checkpoints and exports."
  value       = module.stack.archive
}
