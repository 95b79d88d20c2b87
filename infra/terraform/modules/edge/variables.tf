variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets, or private ones for a load balancer inside."
  type        = list(string)
}

variable "inside" {
  description = "Whether the load balancer has only addresses inside the VPC: people come by VPN or a joined network."
  type        = bool
}

variable "certificate_arn" {
  description = "Certificate for both hosts, in this region."
  type        = string
}

variable "gateway_host" {
  description = "Name at which clients reach the gateway."
  type        = string
}

variable "issuer_host" {
  description = "Name at which people sign in; null when the issuer is elsewhere."
  type        = string
}

variable "realm" {
  description = "The one realm that is reachable."
  type        = string
}

variable "administrators" {
  description = "Networks from which Keycloak's own administration can be reached; none by default."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.administrators) <= 2 && alltrue([for one in var.administrators : can(cidrhost(one, 0)) && !endswith(one, "/0")])
    error_message = "Two networks at most, such as 10.8.0.0/24, and never the whole world."
  }
}

variable "longest" {
  description = "Seconds that the slowest tool may take."
  type        = number
}

variable "address_rate" {
  description = "Requests in five minutes from one address before it is stopped. A whole office may be one address."
  type        = number
}

variable "logs_name" {
  description = "Bucket for access logs."
  type        = string
}

variable "logs_key_arn" {
  description = "Key of the firewall's log."
  type        = string
}

variable "production" {
  description = "Whether a plan may not delete the load balancer."
  type        = bool
}
