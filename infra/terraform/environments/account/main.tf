# What belongs to the account and to no environment: repositories of images, the trail, the role of releases.
# Apply it first, and once for each account.

locals {
  # the servers' repositories follow from what the gateway lists
  listed = [for entry in yamldecode(file("${path.module}/../../../../gateway/gateway.yaml")).servers : basename(try(entry.path, entry))]
}

module "account" {
  source = "../../modules/account"

  prefix     = "mcp"
  account_id = var.account_id
  region     = var.region
  images     = concat(["gateway", "keycloak", "collector"], local.listed)
  watch      = var.watch
  publisher  = var.publisher
}
