output "repositories" {
  description = "Where to push each image."
  value       = { for name, one in aws_ecr_repository.this : name => one.repository_url }
}

output "publisher_role_arn" {
  description = "The role of releases; null without a publisher."
  value       = var.publisher == null ? null : aws_iam_role.publisher[0].arn
}
