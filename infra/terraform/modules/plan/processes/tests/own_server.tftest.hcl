# examples/own-server: a company's clone with a server of its own.
variables {
  repository    = "../../../examples/own-server"
  additions     = yamldecode(file("../../../examples/own-server/servers.yaml"))
  public_url    = "https://mcp.larkfield.example"
  issuer        = "https://id.larkfield.example/realms/mcp"
  issuer_inside = "http://keycloak:8080"
  gateway_tasks = 4
}

run "a_new_server_is_a_folder_and_a_line" {
  command = plan

  assert {
    condition     = toset(keys(output.processes)) == toset(["gateway", "billing", "docs"])
    error_message = jsonencode(keys(output.processes))
  }
  assert {
    condition     = join(" ", output.processes.billing.command) == "{python} -m mcp_billing"
    error_message = jsonencode(output.processes.billing.command)
  }
  assert {
    condition = { for key in ["BILLING_BASE_URL", "BILLING_TOKEN", "BILLING_DATABASE_URL", "BILLING_CURRENCY"] : key => output.processes.billing.environment[key] } == {
      BILLING_BASE_URL     = "https://api.billing.example"
      BILLING_TOKEN        = "{secret:SECRET_BILLING_TOKEN}"
      BILLING_DATABASE_URL = "postgresql://billing_rw:{secret:SECRET_POSTGRES_BILLING_RW}@{database}:5432/billing?sslmode=verify-full"
      BILLING_CURRENCY     = "EUR"
    }
    error_message = jsonencode(output.processes.billing.environment)
  }
  assert {
    condition     = join(" ", output.setups.billing.command) == "{python} -m mcp_billing.migrate"
    error_message = jsonencode(keys(output.setups))
  }
  assert {
    condition     = contains(output.databases, "billing") && contains(output.secrets, "billing-token")
    error_message = "its database and its secrets follow from its own file"
  }
  assert {
    condition     = output.processes.billing.reaches[0].host == "api.billing.example"
    error_message = "the one host that it may reach"
  }
}

run "a_folder_elsewhere_and_an_identity_of_its_own" {
  command = plan

  assert {
    condition     = output.processes.docs.environment.MCP_RESOURCE == "https://docs.larkfield.example/mcp"
    error_message = output.processes.docs.environment.MCP_RESOURCE
  }
  assert {
    condition     = output.processes.billing.environment.MCP_RESOURCE == "http://billing.internal/mcp"
    error_message = output.processes.billing.environment.MCP_RESOURCE
  }
}

run "timeouts_are_read_in_every_unit" {
  command = plan

  assert {
    condition     = output.longest == 90
    error_message = "1.5m: ${output.longest}"
  }
}
