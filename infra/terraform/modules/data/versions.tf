terraform {
  required_version = ">= 1.11, < 2.0" # Terraform or OpenTofu: the S3 backend locks by itself from here on

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 7.0"
    }
  }
}
