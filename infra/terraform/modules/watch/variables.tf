variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "account_id" {
  description = "The account."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "mail" {
  description = "Addresses that hear of alarms and of the budget."
  type        = list(string)

  validation {
    condition     = length(var.mail) > 0
    error_message = "An alarm that nobody hears is none."
  }
}

variable "budget" {
  description = "US dollars a month."
  type        = number
}

variable "logs_key_arn" {
  description = "Key of the topic."
  type        = string
}

variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "services" {
  description = "Service → fewest tasks."
  type        = map(number)
}

variable "balancer" {
  description = "Names under which load balancer and gateway report."
  type        = object({ balancer = string, gateway = string })
}

variable "data" {
  description = "Names under which database and Valkey report."
  type        = object({ database = string, valkey = string })
}

variable "storage_gib" {
  description = "What the database began with."
  type        = number
}
