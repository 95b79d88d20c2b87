variable "prefix" {
  description = "What every name begins with."
  type        = string
}

variable "name" {
  description = "The process; other tasks reach it under this name."
  type        = string
}

variable "region" {
  description = "Where its log is."
  type        = string
}

variable "account_id" {
  description = "The account."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "keys" {
  description = "Keys by class of data; the task reads secrets, its log is encrypted."
  type        = map(string)
}

variable "boundary_arn" {
  description = "What no role of a task can go beyond."
  type        = string
}

variable "image" {
  description = "The image, by digest: what was checked is what runs."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image by digest is needed: repository@sha256:… A tag can be moved."
  }
}

variable "user" {
  description = "Numeric user and group of the process; never 0."
  type        = string

  validation {
    condition     = can(regex("^[1-9][0-9]*:[1-9][0-9]*$", var.user))
    error_message = "Two numbers, neither of them 0, such as 10001:10001."
  }
}

variable "entry" {
  description = "Entry point; null for the image's own."
  type        = list(string)
  default     = null
}

variable "command" {
  description = "Words of the command; null for the image's own."
  type        = list(string)
  default     = null
}

variable "environment" {
  description = "Settings. Never a secret: they can be read by whoever may describe a task definition."
  type        = map(string)
}

variable "secrets" {
  description = "Variable → what ECS puts into it: the ARN of a secret, with `:key::` for a part of it."
  type        = map(string)
  default     = {}
}

variable "ports" {
  description = "Ports by name. The one called http is found by other tasks."
  type        = map(number)
  default     = {}
}

variable "health" {
  description = "Command that answers 0 while the process is well; null leaves it to the load balancer."
  type        = list(string)
  default     = null
}

variable "stop" {
  description = "Seconds that a process has to end its work."
  type        = number
}

variable "size" {
  description = "CPU units and MiB."
  type        = object({ cpu = number, memory = number })
}

variable "rights" {
  description = "What the process itself may do in AWS: statements of a policy. Most need none."
  type        = any
  default     = []
}

variable "architecture" {
  description = "Processors that the images are made for: X86_64 or ARM64."
  type        = string
}

variable "exec" {
  description = "Whether people may open a shell in it."
  type        = bool
}

variable "scratch" {
  description = "Folders that the process may write to, on the task's own disk. Most need none."
  type        = list(string)
  default     = []
}
