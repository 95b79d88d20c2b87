variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "region" {
  description = "Region of the log service that may use the key for logs."
  type        = string
}

variable "account_id" {
  description = "The account whose administrators manage the keys."
  type        = string
}

variable "secrets" {
  description = "Names of secrets; their values are put in by fill_secrets.py and never stand in a plan or a state."
  type        = set(string)
}

variable "recovery_days" {
  description = "How long a deleted secret or key can be had back."
  type        = number
  default     = 30
}
