variables {
  size    = "small"
  servers = ["warehouse", "crm", "docs"]
}

run "every_process_has_a_size" {
  command = plan

  assert {
    condition     = toset(keys(output.tasks)) == toset(["gateway", "keycloak", "collector", "warehouse", "crm", "docs"])
    error_message = "each listed server and the three processes beside them"
  }
  assert {
    condition     = alltrue([for name, one in output.tasks : one.least >= 2 || name == "collector"])
    error_message = "one task lost leaves one, from size small on; calls do not wait for the collector"
  }
  assert {
    condition     = output.connections == { asked = 544, budget = 648 }
    error_message = "twice gateway 4 x 10, keycloak 2 x 20, warehouse 4 x 32, crm and docs 4 x 8: ${jsonencode(output.connections)}"
  }
}

run "dev_has_one_of_each" {
  command = plan
  variables { size = "dev" }

  assert {
    condition     = alltrue([for one in output.tasks : one.least == 1]) && output.valkey.nodes == 1
    error_message = "a development account pays for one of each"
  }
}

run "large_fits_its_database_with_ten_servers" {
  command = plan
  variables {
    size    = "large"
    servers = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
  }
}

run "one_process_differs" {
  command = plan
  variables { changes = { crm = { most = 6, memory = 2048 } } }

  assert {
    condition     = output.tasks.crm == { cpu = 512, memory = 2048, least = 2, most = 6 }
    error_message = "what is given is taken, the rest is the table's"
  }
}

run "more_connections_than_the_database_has_are_refused" {
  command = plan
  variables {
    size    = "dev"
    changes = { gateway = { most = 40 } }
  }
  expect_failures = [output.database]
}

run "a_pair_that_fargate_does_not_sell_is_refused" {
  command = plan
  variables { changes = { crm = { cpu = 256, memory = 4096 } } }
  expect_failures = [output.tasks]
}

run "more_at_least_than_at_most_is_refused" {
  command = plan
  variables { changes = { gateway = { least = 5 } } }
  expect_failures = [output.tasks]
}

run "none_at_all_is_refused" {
  command = plan
  variables { changes = { gateway = { least = 0 } } }
  expect_failures = [output.tasks]
}

run "a_misspelt_process_is_refused" {
  command = plan
  variables { changes = { gatway = { most = 3 } } }
  expect_failures = [output.tasks]
}

run "an_unknown_size_is_refused" {
  command = plan
  variables { size = "medium" }
  expect_failures = [var.size]
}
