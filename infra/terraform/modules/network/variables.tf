variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "region" {
  description = "Region of the VPC's endpoints."
  type        = string
}

variable "cidr" {
  description = "The addresses of the VPC."
  type        = string
}

variable "subnets" {
  description = "For each kind (private, isolated, public) a network in each zone; from plan/addresses."
  type        = map(map(string))
}

variable "nat" {
  description = "How tasks reach the few hosts outside AWS: none, one NAT gateway, or one in each zone."
  type        = string

  validation {
    condition     = contains(["none", "one", "each"], var.nat)
    error_message = "none, one or each."
  }
}

variable "hosts" {
  description = "Names outside AWS that tasks may look up. Every other name does not resolve."
  type        = set(string)
}

variable "spread" {
  description = "Whether AWS's services have an address in every zone, or in one: each address costs by the hour."
  type        = bool
}

variable "exec" {
  description = "Whether people may open a shell in a task; needs one endpoint more."
  type        = bool
}

variable "logs_key_arn" {
  description = "Key of everything that is logged."
  type        = string
}
