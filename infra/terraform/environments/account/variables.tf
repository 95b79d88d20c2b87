variable "account_id" {
  description = "The AWS account."
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

variable "watch" {
  description = "CloudTrail and GuardDuty; false where your organization has them for every account."
  type        = bool
}

variable "publisher" {
  description = "The GitHub repository, as owner/name, whose releases may put images here; null for none."
  type        = string
  default     = null
}
