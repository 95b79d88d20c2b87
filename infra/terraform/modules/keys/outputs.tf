output "arns" {
  description = "For each class of data the ARN of its key."
  value       = { for name, key in aws_kms_key.this : name => key.arn }
}

output "secret_arns" {
  description = "For each secret its ARN."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}
