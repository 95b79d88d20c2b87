output "definition_arn" {
  description = "The task definition, of this revision."
  value       = aws_ecs_task_definition.this.arn
}

output "family" {
  description = "The task definition, of whichever revision is the newest."
  value       = aws_ecs_task_definition.this.family
}

output "group_id" {
  description = "Security group of its tasks."
  value       = aws_security_group.this.id
}

output "container" {
  description = "What the task definition says, for tests and for people."
  value       = local.container
}
