# The issuer, from an image of yours with the realm and the database's certificates in it: images/keycloak.Dockerfile.

module "keycloak" {
  source = "../task"
  count  = var.issuer.here ? 1 : 0

  prefix       = local.prefix
  name         = "keycloak"
  region       = var.region
  account_id   = var.account_id
  vpc_id       = module.network.vpc_id
  keys         = module.keys.arns
  boundary_arn = aws_iam_policy.boundary.arn
  architecture = var.architecture
  exec         = var.exec
  image        = var.images["keycloak"]
  user         = "10001:10001"
  health       = ["CMD", "/opt/keycloak/healthy.sh"]
  scratch      = ["/opt/keycloak/data/tmp", "/var/scratch"]
  ports        = { http = 8080, management = 9000, sessions = 7800, sessions-alive = 57800 }
  stop         = 60
  size         = module.sizes.tasks["keycloak"]
  environment = {
    KC_DB_URL                       = "jdbc:postgresql://${module.data.database_address}:5432/keycloak?sslmode=verify-full&sslrootcert=/opt/keycloak/conf/database-ca.pem"
    KC_DB_USERNAME                  = "keycloak"
    KC_DB_POOL_MAX_SIZE             = "20"
    KC_HOSTNAME                     = "https://${var.issuer.host}" # what stands in tokens, whoever asks
    KC_HOSTNAME_BACKCHANNEL_DYNAMIC = "true"                       # gateway and servers ask at http://keycloak:8080
    KC_HTTP_ENABLED                 = "true"
    KC_PROXY_HEADERS                = "xforwarded"
    KC_PROXY_TRUSTED_ADDRESSES      = var.cidr
    KC_LOG_CONSOLE_OUTPUT           = "json"
    KC_BOOTSTRAP_ADMIN_USERNAME     = "first" # for the first hour: make your own, then remove this one
  }
  secrets = {
    KC_DB_PASSWORD              = module.keys.secret_arns["postgres-keycloak"]
    KC_BOOTSTRAP_ADMIN_PASSWORD = module.keys.secret_arns["keycloak-admin"]
  }
}
