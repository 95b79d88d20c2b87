variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "account_id" {
  description = "The account."
  type        = string
}

variable "region" {
  description = "Where the trail is kept."
  type        = string
}

variable "images" {
  description = "Repositories of images to make: gateway, keycloak, and one for each server."
  type        = set(string)
}

variable "watch" {
  description = "CloudTrail and GuardDuty. Leave it out where your organization has them for every account."
  type        = bool
}

variable "publisher" {
  description = "The GitHub repository, as owner/name, whose releases may put images here; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.publisher == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.publisher))
    error_message = "owner/name, and no pattern: a star would let another repository in."
  }
}
