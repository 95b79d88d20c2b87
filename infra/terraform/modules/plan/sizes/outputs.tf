output "tasks" {
  description = "For each process: CPU units, MiB, fewest and most tasks."
  value       = local.tasks

  precondition {
    condition     = length(local.unsold) == 0
    error_message = "Fargate sells no such pair of CPU and memory: ${join(", ", local.unsold)}."
  }
  precondition {
    condition     = length(local.reversed) == 0
    error_message = "At least one task, and no more at least than at most: ${join(", ", local.reversed)}."
  }
  precondition {
    condition     = length(setsubtract(keys(var.changes), keys(local.table))) == 0
    error_message = "No such process: ${join(", ", setsubtract(keys(var.changes), keys(local.table)))}."
  }
}

output "database" {
  description = "Instance class and GiB of storage."
  value       = local.chosen.database

  precondition {
    condition     = local.asked <= local.budget
    error_message = "All tasks together may open ${local.asked} connections; a ${local.chosen.database.class} has about ${local.budget} to give. Fewer tasks, or a larger size."
  }
}

output "valkey" {
  description = "Node class and number of nodes."
  value       = local.chosen.valkey
}

output "connections" {
  description = "What all tasks together may open, and what the database has to give."
  value       = { asked = local.asked, budget = local.budget }
}
