terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 7.0"
    }
  }

  # bucket, region and kms_key_id: tofu init -backend-config=backend.hcl (an example is beside this file)
  backend "s3" {
    key          = "mcp/prod.tfstate"
    encrypt      = true
    use_lockfile = true # a second plan waits, without a table for locks
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id] # the wrong credentials change nothing

  default_tags {
    tags = { project = "mcp", environment = "prod", managed_by = "terraform" }
  }
}
