output "repositories" {
  description = "Where to push each image."
  value       = module.account.repositories
}

output "publisher_role_arn" {
  description = "The role of releases."
  value       = module.account.publisher_role_arn
}
