# This repository's own gateway.yaml, policies and stack.toml.
variables {
  repository    = "../../../../.."
  additions     = yamldecode(file("../../../servers.yaml"))
  public_url    = "https://mcp.larkfield.example"
  issuer        = "https://id.larkfield.example/realms/mcp"
  issuer_inside = "http://keycloak:8080"
  gateway_tasks = 2
}

run "every_listed_server_is_a_process" {
  command = plan

  assert {
    condition     = toset(keys(output.processes)) == toset(concat(["gateway"], yamldecode(file("../../../../../gateway/gateway.yaml")).servers))
    error_message = "the gateway and what it lists, no more and no less"
  }
  assert {
    condition     = jsondecode(output.processes.gateway.environment.GATEWAY_UPSTREAMS) == { for name in keys(output.processes) : name => "http://${name}:${output.processes[name].port}/mcp" if name != "gateway" }
    error_message = "the gateway asks each server at the port where it listens"
  }
  assert {
    condition     = alltrue([for name, one in output.processes : name == "gateway" ? one.environment.GATEWAY_PORT == tostring(one.port) : one.environment.MCP_PORT == tostring(one.port)])
    error_message = "each process is told the port that its task opens"
  }
}

run "a_password_is_a_name_until_the_task_starts" {
  command = plan

  assert {
    condition     = output.processes.crm.environment.CRM_DATABASE_URL == "postgresql://crm_outbox:{secret:SECRET_POSTGRES_CRM_OUTBOX}@{database}:5432/crm?sslmode=verify-full"
    error_message = output.processes.crm.environment.CRM_DATABASE_URL
  }
  assert {
    condition     = output.processes.crm.secrets == { SECRET_POSTGRES_CRM_OUTBOX = "postgres-crm_outbox", SECRET_CRM_TOKEN = "crm-token" }
    error_message = jsonencode(output.processes.crm.secrets)
  }
  assert {
    condition     = output.processes.gateway.environment.GATEWAY_REDIS_URL == "rediss://{valkey_user}:{secret:SECRET_VALKEY}@{valkey}:6379/0"
    error_message = output.processes.gateway.environment.GATEWAY_REDIS_URL
  }
  assert {
    condition     = output.processes.gateway.files["keys/sealing.key"] == "SECRET_SEALING_KEY:base64" && length(output.processes.gateway.files) == 8
    error_message = "the gateway's keys are files"
  }
  assert {
    condition     = !contains(output.secrets, "administrator")
    error_message = "RDS keeps the administrator's password and changes it"
  }
}

run "no_serving_process_is_the_administrator" {
  command = plan

  assert {
    condition     = alltrue([for one in output.processes : !strcontains(jsonencode(one), "administrator")])
    error_message = "only setup tasks sign in as administrator"
  }
  assert {
    condition     = output.setups.crm.environment.CRM_ADMIN_DATABASE_URL == "postgresql://{administrator}:{secret:SECRET_ADMINISTRATOR}@{database}:5432/crm?sslmode=verify-full"
    error_message = jsonencode(output.setups.crm)
  }
  assert {
    condition     = toset(keys(output.setups)) == toset(["ledger", "crm", "docs"])
    error_message = "what loads sample data is no task in AWS: ${jsonencode(keys(output.setups))}"
  }
  assert {
    condition     = output.databases == tolist(["crm", "docs", "ledger", "warehouse"])
    error_message = jsonencode(output.databases)
  }
}

run "exposure_is_the_policies" {
  command = plan

  assert {
    condition     = output.exposure.crm_update_deal_stage == { kind = "write", roles = tolist(["sales"]) }
    error_message = jsonencode(output.exposure.crm_update_deal_stage)
  }
  assert {
    condition     = output.longest == 15
    error_message = "run_sql has 15 s: ${output.longest}"
  }
}

run "an_uncounted_load_balancer_is_refused" {
  command = plan
  variables { proxies = 0 }
  expect_failures = [var.proxies]
}

run "more_tasks_than_share_the_limits_are_refused" {
  command = plan
  variables { gateway_tasks = 4 }
  expect_failures = [output.processes]
}

run "a_stand_in_is_no_address_in_aws" {
  command = plan
  variables { additions = { warehouse = { setup = {} }, docs = { setup = {} } } }
  expect_failures = [output.processes]
}

run "sample_data_is_not_loaded_in_aws" {
  command = plan
  variables {
    additions = { crm = { settings = { CRM_BASE_URL = "https://api.hubapi.com" } }, docs = { setup = {} } }
  }
  expect_failures = [output.setups]
}

run "an_entry_for_a_server_that_is_not_listed_is_refused" {
  command = plan
  variables {
    additions = merge(yamldecode(file("../../../servers.yaml")), { unlisted = {} })
  }
  expect_failures = [output.processes]
}

run "a_way_out_without_a_reason_is_refused" {
  command = plan
  variables {
    additions = merge(yamldecode(file("../../../servers.yaml")), { warehouse = { setup = {}, reaches = [{ host = "example.com", port = 443 }] } })
  }
  expect_failures = [output.processes]
}

run "a_public_address_in_clear_is_refused" {
  command = plan
  variables { public_url = "http://mcp.larkfield.example" }
  expect_failures = [var.public_url]
}

run "an_issuer_that_ends_in_a_slash_is_refused" {
  command = plan
  variables { issuer = "https://id.larkfield.example/realms/mcp/" }
  expect_failures = [var.issuer]
}

run "an_issuer_elsewhere_is_reached_at_its_public_address" {
  command = plan
  variables { issuer_inside = null }

  assert {
    condition     = output.processes.docs.environment.MCP_JWKS_URL == "https://id.larkfield.example/realms/mcp/protocol/openid-connect/certs"
    error_message = output.processes.docs.environment.MCP_JWKS_URL
  }
  assert {
    condition     = !can(output.processes.gateway.environment.GATEWAY_ISSUER_INTERNAL)
    error_message = "no inside address"
  }
}
