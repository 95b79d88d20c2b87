variable "clients" {
  description = "Networks of the people and programs that call the gateway."
  type        = list(string)

  validation {
    condition     = length(var.clients) > 0 && alltrue([for one in var.clients : can(cidrhost(one, 0))])
    error_message = "At least one network; 0.0.0.0/0 is everybody, and has to be written down."
  }
}

variable "servers" {
  description = "Each listed server: its port, whether it uses the database, and the hosts outside AWS that it reaches."
  type = map(object({
    port     = number
    database = bool
    reaches  = list(object({ host = string, port = number, reason = string }))
  }))
}

variable "setups" {
  description = "Tasks that prepare databases."
  type        = set(string)
}

variable "issuer_here" {
  description = "Whether Keycloak runs beside the gateway."
  type        = bool
}

variable "issuer_reaches" {
  description = "Hosts outside AWS that the issuer asks: a directory, another sign-in, mail."
  type        = list(object({ host = string, port = number, reason = string }))
  default     = []
}

variable "issuer_elsewhere" {
  description = "Host of the issuer when it runs elsewhere; null when it runs here."
  type        = string
  default     = null
}
