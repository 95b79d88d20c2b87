variables {
  clients = ["10.0.0.0/8"]
  servers = {
    warehouse = { port = 8000, database = true, reaches = [] }
    crm       = { port = 8000, database = true, reaches = [{ host = "api.hubapi.com", port = 443, reason = "The CRM is there." }] }
    public    = { port = 8000, database = false, reaches = [] }
  }
  setups      = ["setup-ledger"]
  issuer_here = true
}

run "only_the_load_balancer_is_reached_from_outside" {
  command = plan

  assert {
    condition     = toset([for one in output.flows : one.to if one.from == "world"]) == toset(["edge"])
    error_message = "from the world to the edge alone"
  }
  assert {
    condition     = toset([for one in output.flows : one.to if one.from == "edge"]) == toset(["gateway", "keycloak"])
    error_message = "no server is reached round the gateway"
  }
}

run "a_server_is_reached_by_the_gateway_alone" {
  command = plan

  assert {
    condition     = alltrue([for name in ["warehouse", "crm", "public"] : toset([for one in output.flows : one.from if one.to == name]) == toset(["gateway"])])
    error_message = "one way in"
  }
}

run "no_server_reaches_another" {
  command = plan

  assert {
    condition     = length([for one in output.flows : one if contains(["warehouse", "crm", "public"], one.from) && contains(["warehouse", "crm", "public"], one.to)]) == 0
    error_message = "nor the gateway"
  }
}

run "databases_are_reached_by_those_who_use_them" {
  command = plan

  assert {
    condition     = toset([for one in output.flows : one.from if one.to == "database"]) == toset(["gateway", "keycloak", "warehouse", "crm", "setup-ledger"])
    error_message = jsonencode([for one in output.flows : one.from if one.to == "database"])
  }
  assert {
    condition     = [for one in output.flows : one.from if one.to == "valkey"] == ["gateway"]
    error_message = "limits are the gateway's"
  }
}

run "outside_aws_there_is_one_host_for_one_server" {
  command = plan

  assert {
    condition     = [for one in output.flows : "${one.from} ${one.port} ${one.reason}" if one.to == "host"] == ["crm 443 api.hubapi.com: The CRM is there."]
    error_message = jsonencode([for one in output.flows : one if one.to == "host"])
  }
  assert {
    condition     = output.hosts == tolist(["api.hubapi.com"])
    error_message = jsonencode(output.hosts)
  }
}

run "two_hosts_at_one_port_are_one_rule_with_both_reasons" {
  command = plan
  variables {
    servers = { crm = { port = 8000, database = false, reaches = [{ host = "a.example", port = 443, reason = "One thing." }, { host = "b.example", port = 443, reason = "Another." }] } }
  }

  assert {
    condition     = output.flows["crm-host-443"].reason == "a.example: One thing.; b.example: Another."
    error_message = output.flows["crm-host-443"].reason
  }
}

run "an_issuer_elsewhere_is_a_host" {
  command = plan
  variables {
    issuer_here      = false
    issuer_elsewhere = "id.larkfield.example"
  }

  assert {
    condition     = length([for one in output.flows : one if one.to == "keycloak" || one.from == "keycloak"]) == 0
    error_message = "nothing to or from a service that is not there"
  }
  assert {
    condition     = contains(output.hosts, "id.larkfield.example") && contains(keys(output.flows), "warehouse-host-443")
    error_message = "each process asks it for its keys"
  }
}

run "a_reason_that_aws_does_not_take_is_refused" {
  command = plan
  variables {
    servers = { crm = { port = 8000, database = false, reaches = [{ host = "a.example", port = 443, reason = "The vendor's API" }] } }
  }
  expect_failures = [output.flows]
}

run "nobody_at_all_is_refused" {
  command = plan
  variables { clients = [] }
  expect_failures = [var.clients]
}
