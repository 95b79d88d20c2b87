# What is turned away before the gateway sees it. Some of AWS's common rules only count here, since they would turn away
# what is meant: a question in SQL or a note with a tag in it is a tool's argument, a client on a person's machine is sent
# back to http://127.0.0.1 after its sign-in, and not every agent says what it is.

locals {
  only_counted = [
    "CrossSiteScripting_BODY", "EC2MetaDataSSRF_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "SizeRestrictions_BODY",
    "GenericRFI_QUERYARGUMENTS", "SizeRestrictions_QUERYSTRING",
    "NoUserAgent_HEADER",
  ]
}

resource "aws_wafv2_web_acl" "this" {
  name        = "${var.prefix}-edge"
  description = "In front of the gateway and the issuer"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "address-rate"
    priority = 0

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }
    statement {
      rate_based_statement {
        limit              = var.address_rate
        aggregate_key_type = "IP"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "address-rate"
      sampled_requests_enabled   = false # samples hold headers, and with them tokens
    }
  }

  rule {
    name     = "known-bad-addresses"
    priority = 10

    override_action {
      none {}
    }
    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesAmazonIpReputationList"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "known-bad-addresses"
      sampled_requests_enabled   = false
    }
  }

  rule {
    name     = "known-bad-inputs"
    priority = 20

    override_action {
      none {}
    }
    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesKnownBadInputsRuleSet"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "known-bad-inputs"
      sampled_requests_enabled   = false
    }
  }

  rule {
    name     = "common"
    priority = 30

    override_action {
      none {}
    }
    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesCommonRuleSet"

        dynamic "rule_action_override" {
          for_each = local.only_counted

          content {
            name = rule_action_override.value

            action_to_use {
              count {}
            }
          }
        }
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "common"
      sampled_requests_enabled   = false
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "edge"
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}

resource "aws_cloudwatch_log_group" "firewall" {
  name              = "aws-waf-logs-${var.prefix}" # the name has to begin like this
  retention_in_days = 365
  kms_key_id        = var.logs_key_arn
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall.arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }
  redacted_fields {
    single_header {
      name = "cookie"
    }
  }
  redacted_fields {
    query_string {} # codes of the sign-in
  }
}
