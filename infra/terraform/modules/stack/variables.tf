variable "name" {
  description = "What this installation is called; part of every name in the account."
  type        = string
  default     = "mcp"
}

variable "environment" {
  description = "dev, stage or prod."
  type        = string
}

variable "production" {
  description = "Two zones for the database, a month of recovery, nothing that a plan could delete, no shell in a task."
  type        = bool
}

variable "account_id" {
  description = "The AWS account; the provider refuses any other."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "zones" {
  description = "Three availability zones of the region."
  type        = list(string)
}

variable "cidr" {
  description = "The addresses of the VPC."
  type        = string
}

variable "joined" {
  description = "Networks this one will be joined with."
  type        = list(string)
  default     = []
}

variable "nat" {
  description = "How tasks reach the few hosts outside AWS: none, one or each."
  type        = string
}

variable "repository" {
  description = "Where the repository is."
  type        = string
}

variable "gateway_file" {
  description = "The gateway's configuration within the repository."
  type        = string
  default     = "gateway/gateway.yaml"
}

variable "servers_file" {
  description = "What AWS has to know of a server beyond its own folder, within the repository."
  type        = string
  default     = "infra/terraform/servers.yaml"
}

variable "size" {
  description = "dev, small or large."
  type        = string
}

variable "size_changes" {
  description = "Where one process differs from the size's table."
  type        = map(object({ cpu = optional(number), memory = optional(number), least = optional(number), most = optional(number) }))
  default     = {}
}

variable "serve" {
  description = "Whether services run. The first time they cannot: secrets are empty, and databases are not prepared."
  type        = bool
  default     = true
}

variable "images" {
  description = "Image of each process, by digest: gateway, each listed server, collector, and keycloak when it runs here."
  type        = map(string)
}

variable "user" {
  description = "Numeric user and group of the processes."
  type        = string
  default     = "10001:10001"
}

variable "architecture" {
  description = "Processors that the images are made for: X86_64 or ARM64."
  type        = string
  default     = "X86_64"
}

variable "gateway_host" {
  description = "Name at which clients reach the gateway."
  type        = string
}

variable "issuer" {
  description = "host: where people sign in; realm; here: whether Keycloak runs beside the gateway; reaches: hosts it asks."
  type = object({
    host    = string
    realm   = optional(string, "mcp")
    here    = optional(bool, true)
    reaches = optional(list(object({ host = string, port = number, reason = string })), [])
  })
}

variable "certificate_arn" {
  description = "Certificate for both names, in this region."
  type        = string
}

variable "clients" {
  description = "Networks of those who call. 0.0.0.0/0 is everybody."
  type        = list(string)
}

variable "inside" {
  description = "Whether the load balancer has only addresses inside the VPC."
  type        = bool
  default     = true
}

variable "administrators" {
  description = "Networks from which Keycloak's administration can be reached."
  type        = list(string)
  default     = []
}

variable "address_rate" {
  description = "Requests in five minutes from one address before it is stopped."
  type        = number
  default     = 20000
}

variable "encrypt_inside" {
  description = "TLS between tasks, with a certificate authority of this installation (a fixed price each month, see costs.md)."
  type        = bool
  default     = true
}

variable "person_in_traces" {
  description = "Whether a person's name stays on spans: keep, hash or drop. The ledger has it in any case."
  type        = string
  default     = "hash"

  validation {
    condition     = contains(["keep", "hash", "drop"], var.person_in_traces)
    error_message = "keep, hash or drop."
  }
}

variable "exec" {
  description = "Whether people may open a shell in a task."
  type        = bool
  default     = false

  validation {
    condition     = !var.exec || !var.production
    error_message = "In production nobody opens a shell in a task: what it holds in memory are keys."
  }
}

variable "database_ca" {
  description = "Certificates that sign the database's own, as PEM: the region's bundle that RDS publishes."
  type        = string

  validation {
    condition     = strcontains(var.database_ca, "-----BEGIN CERTIFICATE-----") && length(var.database_ca) < 30000
    error_message = "One or more certificates in PEM, under 30,000 characters: the bundle of one region, not of all."
  }
}

variable "keep_days" {
  description = "How long nobody can delete what is in the archive. It cannot be shortened afterwards."
  type        = number
}

variable "replica_bucket_arn" {
  description = "A bucket with Object Lock elsewhere that gets a copy of the archive."
  type        = string
  default     = null
}

variable "alarms" {
  description = "Where alarms and the budget's warnings go, and the budget in US dollars a month."
  type        = object({ mail = list(string), budget = number })
}
