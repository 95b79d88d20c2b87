variable "repository" {
  description = "Where the repository is: gateway.yaml, policies and stack.toml are read from it."
  type        = string
}

variable "gateway_file" {
  description = "The gateway's configuration, within the repository; what it lists is exposed."
  type        = string
  default     = "gateway/gateway.yaml"
}

variable "additions" {
  description = "What AWS has to know of a server beyond its own folder: servers.yaml, decoded."
  type        = any
  default     = {}
}

variable "public_url" {
  description = "Where clients reach the gateway; without a trailing slash."
  type        = string

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+$", var.public_url))
    error_message = "An https origin is needed, such as https://mcp.example.com."
  }
}

variable "issuer" {
  description = "The issuer as it stands in tokens."
  type        = string

  validation {
    condition     = can(regex("^https://[^/]+/.*[^/]$", var.issuer))
    error_message = "An https address without a trailing slash is needed, such as https://id.example.com/realms/mcp."
  }
}

variable "issuer_inside" {
  description = "Origin at which tasks reach the issuer; null when it is the public one."
  type        = string
  default     = null
}

variable "proxies" {
  description = "How many proxies before the gateway append to X-Forwarded-For."
  type        = number
  default     = 1

  validation {
    condition     = var.proxies >= 1 && var.proxies <= 5
    error_message = "From 1, the load balancer, to 5: uncounted, every client would be one address."
  }
}

variable "gateway_tasks" {
  description = "Most tasks of the gateway: that many share the limits while Valkey is away."
  type        = number
}

variable "keep_days" {
  description = "How long a checkpoint of the ledger cannot be removed; the archive's own days, or more."
  type        = number
  default     = 400
}

variable "ledger_gib" {
  description = "The most the database may grow to: the gateway closes before that is used up."
  type        = number
  default     = 100
}
