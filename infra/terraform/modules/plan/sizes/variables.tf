variable "size" {
  description = "How much of everything: dev (one of each), small (about 200 people), large (about 2,000)."
  type        = string

  validation {
    condition     = contains(["dev", "small", "large"], var.size)
    error_message = "A size is dev, small or large."
  }
}

variable "servers" {
  description = "Names of the listed servers."
  type        = set(string)
}

variable "changes" {
  description = "Where one process differs from the table, by its name: CPU units, MiB, fewest and most tasks."
  type = map(object({
    cpu    = optional(number)
    memory = optional(number)
    least  = optional(number)
    most   = optional(number)
  }))
  default = {}
}

variable "connections" {
  description = "How many database connections one task opens at most; a server that is not named counts as `server`."
  type        = map(number)
  default = {
    gateway   = 10 # records 1, switches 1, console 6 and 1 to verify, 1 while a lost one is replaced
    keycloak  = 20 # KC_DB_POOL_MAX_SIZE of the service
    warehouse = 32 # figures 8, people's SQL 4, files and tasks three times 4; results 4, tasks 4
    server    = 8  # the pool of docs; crm opens 4
  }
}
