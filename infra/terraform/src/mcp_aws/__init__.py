"""What a person runs beside Terraform."""
