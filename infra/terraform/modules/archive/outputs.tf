output "archive_arn" {
  description = "The bucket for checkpoints and exports."
  value       = aws_s3_bucket.archive.arn
}

output "archive_name" {
  description = "Its name."
  value       = aws_s3_bucket.archive.id
}

output "logs_name" {
  description = "The bucket for access logs; its policy is in place when this is known."
  value       = aws_s3_bucket_policy.logs.bucket
}
