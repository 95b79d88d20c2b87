variables {
  name        = "mcp"
  environment = "prod"
  cidr        = "10.40.0.0/16"
  zones       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

run "each_kind_has_a_network_in_each_zone" {
  command = plan

  assert {
    condition     = output.prefix == "mcp-prod"
    error_message = "names begin with name and environment"
  }
  assert {
    condition     = alltrue([for kind in ["private", "isolated", "public"] : length(output.subnets[kind]) == 3])
    error_message = "three kinds, three zones"
  }
  assert {
    condition     = length(distinct(flatten([for kind in output.subnets : values(kind)]))) == 9
    error_message = "no network is given twice"
  }
  assert {
    condition     = output.subnets.private["eu-central-1a"] == "10.40.0.0/20" && output.subnets.public["eu-central-1c"] == "10.40.62.0/24"
    error_message = "a change of the cut would replace every subnet"
  }
}

run "the_smallest_network_still_holds_a_load_balancer" {
  command = plan
  variables { cidr = "10.40.0.0/19" }

  assert {
    condition     = alltrue([for cidr in values(output.subnets.public) : tonumber(split("/", cidr)[1]) <= 27])
    error_message = "a load balancer needs a /27"
  }
}

run "joined_networks_that_do_not_overlap_are_fine" {
  command = plan
  variables { others = ["10.0.0.0/16", "10.41.0.0/16", "192.168.0.0/24"] }
}

run "a_network_inside_another_is_refused" {
  command = plan
  variables { others = ["10.0.0.0/16", "10.32.0.0/11"] }
  expect_failures = [output.subnets]
}

run "a_network_around_another_is_refused" {
  command = plan
  variables { others = ["10.40.7.0/24"] }
  expect_failures = [output.subnets]
}

run "a_host_address_is_no_network" {
  command = plan
  variables { cidr = "10.40.0.1/16" }
  expect_failures = [var.cidr]
}

run "a_network_too_small_is_refused" {
  command = plan
  variables { cidr = "10.40.0.0/20" }
  expect_failures = [var.cidr]
}

run "two_zones_are_too_few" {
  command = plan
  variables { zones = ["eu-central-1a", "eu-central-1b"] }
  expect_failures = [var.zones]
}

run "the_same_zone_twice_is_refused" {
  command = plan
  variables { zones = ["eu-central-1a", "eu-central-1b", "eu-central-1b"] }
  expect_failures = [var.zones]
}

run "an_environment_of_another_name_is_refused" {
  command = plan
  variables { environment = "production" }
  expect_failures = [var.environment]
}

run "a_name_with_an_underscore_is_refused" {
  command = plan
  variables { name = "mcp_house" }
  expect_failures = [var.name]
}
