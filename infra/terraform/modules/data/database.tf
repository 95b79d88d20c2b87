# PostgreSQL for the ledger, the servers' own data and Keycloak: one database each, one login each.

resource "aws_db_subnet_group" "this" {
  name       = var.prefix
  subnet_ids = var.subnet_ids
}

resource "aws_security_group" "database" {
  name        = "${var.prefix}-database"
  description = "PostgreSQL"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.prefix}-database" }
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.prefix}-"
  family      = "postgres18"
  description = "TLS for everybody; what changes the schema is logged, what people ask is not"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter {
    name  = "log_statement"
    value = "ddl" # statements of the warehouse hold what people asked
  }
  parameter {
    name  = "log_min_duration_statement"
    value = "-1" # slow statements would be logged with their values
  }
  parameter {
    name  = "log_connections"
    value = "1"
  }
  parameter {
    name  = "log_disconnections"
    value = "1"
  }
  parameter {
    name  = "synchronous_commit"
    value = "on" # the gateway refuses a server that may forget what it acknowledged
  }
  parameter {
    name  = "idle_in_transaction_session_timeout"
    value = "60000" # ms
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  identifier     = var.prefix
  engine         = "postgres"
  engine_version = "18" # as the tests run it
  instance_class = var.database.class

  allocated_storage     = var.database.storage
  max_allocated_storage = var.database.most_storage
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.ledger_key_arn

  # made and changed by RDS; only setup tasks may read it
  username                      = "administrator"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.secrets_key_arn
  # for people, with a token of a quarter of an hour; the programs sign in with passwords, see README
  iam_database_authentication_enabled = true

  multi_az               = var.production
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  backup_retention_period   = var.production ? 35 : 7 # days to any second of which it can be set back
  backup_window             = "02:00-03:00"
  maintenance_window        = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !var.production
  deletion_protection       = var.production
  skip_final_snapshot       = !var.production
  final_snapshot_identifier = var.production ? "${var.prefix}-last" : null

  auto_minor_version_upgrade      = true
  allow_major_version_upgrade     = false
  apply_immediately               = false
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.logs_key_arn
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn

  depends_on = [aws_cloudwatch_log_group.database]
}

# made before RDS makes them, so that they are encrypted and end
resource "aws_cloudwatch_log_group" "database" {
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${var.prefix}/${each.key}"
  retention_in_days = 365
  kms_key_id        = var.logs_key_arn
}

resource "aws_iam_role" "monitoring" {
  name = "${var.prefix}-database-monitoring"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
