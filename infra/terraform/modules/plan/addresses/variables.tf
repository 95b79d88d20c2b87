variable "name" {
  description = "What this installation is called, such as mcp; part of every name in the account."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,13}[a-z0-9]$", var.name))
    error_message = "A name has 2 to 15 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment" {
  description = "Which of the three roots this is."
  type        = string

  validation {
    condition     = contains(["dev", "stage", "prod"], var.environment)
    error_message = "An environment is dev, stage or prod."
  }
}

variable "cidr" {
  description = "The addresses of the VPC. From /16 to /19, so that the smallest subnet still holds a load balancer."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "The first address of a network is needed, such as 10.40.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 19, false)
    error_message = "A prefix from /16 to /19 is needed."
  }
}

variable "zones" {
  description = "Availability zones, three of them: a lost one leaves two."
  type        = list(string)

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "Three different availability zones are needed."
  }
}

variable "others" {
  description = "Networks this one will be joined with: peered VPCs, offices, VPN clients."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.others : can(cidrhost(one, 0))])
    error_message = "Each is a network, such as 10.0.0.0/16."
  }
}
