# The whole stack, applied to a provider that only pretends. It shows that the parts fit together and what each task is
# given; it does not show that AWS takes it.

mock_provider "aws" {
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:pretended-abcdef" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "database.pretended.internal"
      master_user_secret = [{ kms_key_id = "", secret_status = "active", secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-pretended-abcdef" }]
    }
  }
  mock_resource "aws_elasticache_replication_group" {
    defaults = { primary_endpoint_address = "valkey.pretended.internal" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/pretended" }
  }
}

variables {
  environment     = "prod"
  production      = true
  account_id      = "111122223333"
  region          = "eu-central-1"
  zones           = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  cidr            = "10.42.0.0/16"
  nat             = "each"
  repository      = "../../examples/own-server"
  servers_file    = "servers.yaml"
  size            = "small"
  gateway_host    = "mcp.larkfield.example"
  issuer          = { host = "id.larkfield.example" }
  certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000000"
  clients         = ["10.0.0.0/8"]
  database_ca     = "-----BEGIN CERTIFICATE-----\npretended\n-----END CERTIFICATE-----\n"
  keep_days       = 365
  alarms          = { mail = ["platform@larkfield.example"], budget = 2500 }
  images = {
    for name in ["gateway", "billing", "docs", "keycloak", "collector"] :
    name => "111122223333.dkr.ecr.eu-central-1.amazonaws.com/mcp/${name}@sha256:${sha256(name)}"
  }
}

run "the_parts_fit_together" {
  assert {
    condition = toset(keys(output.containers)) == toset([
      "gateway", "billing", "docs", "keycloak", "collector", "setup-databases", "setup-ledger", "setup-billing", "setup-docs",
    ])
    error_message = jsonencode(keys(output.containers))
  }
  assert {
    condition     = toset(output.services) == toset(["gateway", "billing", "docs", "keycloak", "collector"])
    error_message = jsonencode(output.services)
  }
  assert {
    condition     = alltrue([for one in output.containers : one.readonlyRootFilesystem && !one.privileged && one.linuxParameters.capabilities.drop[0] == "ALL"])
    error_message = "every root file system is read-only, every right of the kernel's is dropped"
  }
  assert {
    condition     = alltrue([for one in output.containers : !startswith(one.user, "0") && strcontains(one.image, "@sha256:")])
    error_message = "nobody is root, and every image is named by digest"
  }
}

run "no_value_of_a_secret_is_in_a_task_definition" {
  assert {
    condition     = alltrue(flatten([for one in output.containers : [for secret in one.secrets : startswith(secret.valueFrom, "arn:aws:secretsmanager:")]]))
    error_message = "a secret is a reference"
  }
  assert {
    condition     = alltrue(flatten([for one in output.containers : [for given in one.environment : !can(regex("://[^:/@{]+:[^@{]+@", given.value))]]))
    error_message = "no address holds a password"
  }
  assert {
    condition     = { for secret in output.containers["setup-ledger"].secrets : secret.name => secret.valueFrom }["SECRET_ADMINISTRATOR"] == "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-pretended-abcdef:password::"
    error_message = "the administrator's password is a part of what RDS keeps"
  }
  assert {
    condition     = alltrue([for name, one in output.containers : startswith(name, "setup-") || !strcontains(jsonencode(one.secrets), "ADMINISTRATOR")])
    error_message = "no serving task can read the administrator's password"
  }
}

run "addresses_are_filled_in" {
  assert {
    condition     = { for one in output.containers["gateway"].environment : one.name => one.value }["GATEWAY_LEDGER_URL"] == "postgresql://audit_writer:{secret:SECRET_POSTGRES_AUDIT_WRITER}@database.pretended.internal:5432/ledger?sslmode=verify-full"
    error_message = jsonencode(output.containers["gateway"].environment)
  }
  assert {
    condition     = { for one in output.containers["gateway"].environment : one.name => one.value }["GATEWAY_REDIS_URL"] == "rediss://mcp-prod-gateway:{secret:SECRET_VALKEY}@valkey.pretended.internal:6379/0"
    error_message = jsonencode(output.containers["gateway"].environment)
  }
  assert {
    condition     = alltrue(flatten([for name, one in output.containers : [for given in one.environment : !can(regex("\\{(database|valkey|valkey_user|administrator)\\}", given.value))]]))
    error_message = "an address was left open"
  }
}

run "an_issuer_elsewhere_leaves_keycloak_out" {
  variables { issuer = { host = "login.larkfield.example", realm = "company", here = false } }

  assert {
    condition     = !contains(keys(output.containers), "keycloak")
    error_message = "no task"
  }
  assert {
    condition     = { for one in output.containers["docs"].environment : one.name => one.value }["MCP_JWKS_URL"] == "https://login.larkfield.example/realms/company/protocol/openid-connect/certs"
    error_message = "each server asks it for its keys"
  }
  assert {
    condition     = anytrue([for one in output.flows : startswith(one, "docs -> host:443")])
    error_message = "and may reach it"
  }
}

run "the_first_time_everything_is_there_but_the_services" {
  variables { serve = false }

  assert {
    condition     = length(output.services) == 0 && length(output.setups.tasks) == 4 && output.setups.tasks[0].family == "mcp-prod-setup-databases"
    error_message = jsonencode(output.setups)
  }
}

run "a_shell_in_production_is_refused" {
  command = plan
  variables { exec = true }
  expect_failures = [var.exec]
}

run "the_certificates_of_all_regions_are_too_many" {
  command = plan
  variables { database_ca = join("", [for number in range(1000) : "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"]) }
  expect_failures = [var.database_ca]
}
