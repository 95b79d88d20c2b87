variable "account_id" {
  description = "The AWS account of this environment."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account's number has twelve digits."
  }
}

variable "region" {
  description = "The region."
  type        = string
}

variable "zones" {
  description = "Three of its availability zones."
  type        = list(string)
}

variable "serve" {
  description = "False for the first apply alone, which makes everything but the services."
  type        = bool
  default     = true
}

variable "images" {
  description = "Images by digest: gateway, each listed server, collector, keycloak."
  type        = map(string)
}

variable "user" {
  description = "Numeric user and group in the images."
  type        = string
  default     = "10001:10001"
}

variable "gateway_host" {
  description = "Name at which clients reach the gateway."
  type        = string
}

variable "issuer" {
  description = "Where people sign in."
  type = object({
    host    = string
    realm   = optional(string, "mcp")
    here    = optional(bool, true)
    reaches = optional(list(object({ host = string, port = number, reason = string })), [])
  })
}

variable "certificate_arn" {
  description = "Certificate for both names."
  type        = string
}

variable "clients" {
  description = "Networks of those who call."
  type        = list(string)
}

variable "administrators" {
  description = "Networks from which Keycloak's administration can be reached."
  type        = list(string)
  default     = []
}

variable "database_ca_file" {
  description = "The region's bundle of certificates that RDS publishes, as a file."
  type        = string
}

variable "alarms" {
  description = "Who hears of alarms, and the budget in US dollars a month."
  type        = object({ mail = list(string), budget = number })
}
