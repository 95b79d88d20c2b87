variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets, one in each zone."
  type        = list(string)
}

variable "database" {
  description = "Instance class and GiB of storage; from plan/sizes."
  type        = object({ class = string, storage = number, most_storage = number })
}

variable "valkey" {
  description = "Node class and number of nodes; from plan/sizes."
  type        = object({ class = string, nodes = number })
}

variable "production" {
  description = "Two zones, a month of recovery, and no way to delete it by a plan."
  type        = bool
}

variable "ledger_key_arn" {
  description = "Key of the database."
  type        = string
}

variable "limits_key_arn" {
  description = "Key of Valkey."
  type        = string
}

variable "secrets_key_arn" {
  description = "Key of the administrator's password."
  type        = string
}

variable "logs_key_arn" {
  description = "Key of logs and of performance data."
  type        = string
}
