# One of everything, to try changes of the infrastructure. A shell in a task is possible; nothing here is to be kept.

module "stack" {
  source = "../../modules/stack"

  environment = "dev"
  production  = false
  account_id  = var.account_id
  region      = var.region
  zones       = var.zones
  cidr        = "10.40.0.0/16"
  joined      = ["10.41.0.0/16", "10.42.0.0/16"]
  nat         = "one"
  repository  = abspath("${path.module}/../../../..")

  serve           = var.serve
  size            = "dev"
  images          = var.images
  user            = var.user
  gateway_host    = var.gateway_host
  issuer          = var.issuer
  certificate_arn = var.certificate_arn
  clients         = var.clients
  administrators  = var.administrators
  inside          = true # people come by VPN or from the office's network
  encrypt_inside  = false
  exec            = true

  database_ca = file(var.database_ca_file)
  keep_days   = 1
  alarms      = var.alarms
}
