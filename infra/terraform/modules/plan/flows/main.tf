# Every connection there is, each with its reason. What is not here is not open. Pure: no provider, no clock, no state.

locals {
  issuer_port = 8080
  processes   = concat(["gateway"], sort(keys(var.servers)))
  tasks       = concat(local.processes, ["collector"], var.issuer_here ? ["keycloak"] : [], sort(tolist(var.setups)))

  inward = concat(
    [for cidr in var.clients : { from = "world", to = "edge", port = 443, reason = "Clients and people at the gateway and the issuer", cidr = cidr }],
    [for cidr in var.clients : { from = "world", to = "edge", port = 80, reason = "Redirect to TLS, nothing else", cidr = cidr }],
    [{ from = "edge", to = "gateway", port = 8080, reason = "Calls, and the question whether it is ready" }],
    !var.issuer_here ? [] : [
      { from = "edge", to = "keycloak", port = local.issuer_port, reason = "Sign-in" },
      { from = "edge", to = "keycloak", port = 9000, reason = "The question whether it is ready" },
    ],
  )
  between = concat(
    [for name, one in var.servers : { from = "gateway", to = name, port = one.port, reason = "Governed calls" }],
    !var.issuer_here ? [] : concat(
      [for name in local.processes : { from = name, to = "keycloak", port = local.issuer_port, reason = name == "gateway" ? "Keys and token exchange" : "Keys" }],
      [for port in [7800, 57800] : { from = "keycloak", to = "keycloak", port = port, reason = "Sessions between its own tasks" }],
      [{ from = "keycloak", to = "database", port = 5432, reason = "Its own database" }],
    ),
    [for name in local.processes : { from = name, to = "collector", port = 4318, reason = "Spans and measures" }],
    [{ from = "gateway", to = "database", port = 5432, reason = "The ledger" }],
    [{ from = "gateway", to = "valkey", port = 6379, reason = "Limits and the bell of the kill switches" }],
    [for name, one in var.servers : { from = name, to = "database", port = 5432, reason = "Its own database" } if one.database],
    [for name in var.setups : { from = name, to = "database", port = 5432, reason = "Prepares a database" }],
  )
  outward = concat(
    [for name in local.tasks : { from = name, to = "endpoints", port = 443, reason = "Images, secrets, logs and telemetry of AWS" }],
    [for name in local.tasks : { from = name, to = "s3", port = 443, reason = "Layers of images; the archive" }],
    flatten([for name, one in var.servers : [
      for to in one.reaches : { from = name, to = "host", port = to.port, reason = "${to.host}: ${to.reason}" }
    ]]),
    [for to in var.issuer_reaches : { from = "keycloak", to = "host", port = to.port, reason = "${to.host}: ${to.reason}" } if var.issuer_here],
    var.issuer_elsewhere == null ? [] : [
      for name in local.processes : { from = name, to = "host", port = 443, reason = "${var.issuer_elsewhere}: the issuer" }
    ],
  )

  # one rule for a pair and a port, whatever the number of reasons
  all = {
    for one in concat(local.inward, local.between, local.outward) :
    "${one.from}-${one.to}-${one.port}${try("-${one.cidr}", "")}" => merge({ cidr = null }, one)...
  }
  flows = {
    for key, several in local.all : key => merge(several[0], {
      reason = join("; ", distinct([for one in several : one.reason]))
    })
  }
  hosts = distinct(concat(
    flatten([for one in values(var.servers) : [for to in one.reaches : to.host]]),
    var.issuer_here ? [for to in var.issuer_reaches : to.host] : [],
    var.issuer_elsewhere == null ? [] : [var.issuer_elsewhere],
  ))
  # what AWS takes as a description of a rule
  unwritable = [for one in local.flows : one.reason if !can(regex("^[a-zA-Z0-9 ._:/()#,@\\[\\]+=&;{}!$*-]{1,255}$", one.reason))]
}
