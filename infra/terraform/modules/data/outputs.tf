output "database_address" {
  description = "Where the database is."
  value       = aws_db_instance.this.address
}

output "administrator" {
  description = "Login of the administrator, and the secret in which RDS keeps the password."
  value = {
    login      = aws_db_instance.this.username
    secret_arn = aws_db_instance.this.master_user_secret[0].secret_arn
  }
}

output "valkey_address" {
  description = "Where Valkey's primary is."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "valkey_user" {
  description = "Id and name of the gateway's user at Valkey."
  value       = { id = aws_elasticache_user.gateway.user_id, name = aws_elasticache_user.gateway.user_name }
}

output "group_ids" {
  description = "Security groups of database and Valkey."
  value       = { database = aws_security_group.database.id, valkey = aws_security_group.valkey.id }
}

output "identifiers" {
  description = "Names under which both report measures."
  value       = { database = aws_db_instance.this.identifier, valkey = aws_elasticache_replication_group.this.replication_group_id }
}
