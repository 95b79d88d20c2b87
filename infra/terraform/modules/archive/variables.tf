variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "account_id" {
  description = "The account; part of the buckets' names, which the world shares."
  type        = string
}

variable "archive_key_arn" {
  description = "Key of the archive."
  type        = string
}

variable "keep_days" {
  description = "How long nobody can delete or change an object, the account's owner included."
  type        = number

  validation {
    condition     = var.keep_days >= 1 && var.keep_days <= 3650
    error_message = "1 to 3650 days. It cannot be shortened afterwards: begin short, make it longer."
  }
}

variable "replica_bucket_arn" {
  description = "A bucket with Object Lock in another region or account that gets a copy; null for none."
  type        = string
  default     = null
}
