variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "name" {
  description = "The process; other tasks reach it under this name."
  type        = string
}

variable "cluster" {
  description = "The cluster it runs in, and how its tasks find and trust others."
  type = object({
    arn          = string
    name         = string
    namespace    = string
    authority    = string # null: no TLS between tasks
    tls_role_arn = string
    tls_key_arn  = string
    exec         = bool
  })
}

variable "definition_arn" {
  description = "The task definition."
  type        = string
}

variable "group_id" {
  description = "Security group of its tasks."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, one in each zone."
  type        = list(string)
}

variable "port" {
  description = "Where it listens."
  type        = number
}

variable "targets" {
  description = "Target groups of the load balancer that lead to port http."
  type        = list(string)
  default     = []
}

variable "wait" {
  description = "Seconds that another task waits for its answer."
  type        = number
}

variable "size" {
  description = "Fewest and most tasks."
  type        = object({ least = number, most = number })
}
