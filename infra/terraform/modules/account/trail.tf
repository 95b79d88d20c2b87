# Who did what in the account, and what looks like an attack on it.

locals {
  trail_arn = "arn:aws:cloudtrail:${var.region}:${var.account_id}:trail/${var.prefix}"
}

resource "aws_cloudtrail" "this" {
  count = var.watch ? 1 : 0

  #checkov:skip=CKV_AWS_252:nobody waits for each file of the trail; GuardDuty reads it
  name                          = var.prefix
  s3_bucket_name                = aws_s3_bucket.trail[0].id
  kms_key_id                    = aws_kms_key.this.arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail[0].arn}:*"
  cloud_watch_logs_role_arn     = aws_iam_role.trail[0].arn

  depends_on = [aws_s3_bucket_policy.trail]
}

resource "aws_guardduty_detector" "this" {
  count = var.watch ? 1 : 0

  #checkov:skip=CKV2_AWS_3:for one account; an organization switches it on from above, see the variable watch
  enable                       = true
  finding_publishing_frequency = "FIFTEEN_MINUTES"
}

# not RUNTIME_MONITORING: its agent comes into every task, with an image and a way out of its own
resource "aws_guardduty_detector_feature" "this" {
  for_each = var.watch ? toset(["S3_DATA_EVENTS", "RDS_LOGIN_EVENTS"]) : []

  detector_id = aws_guardduty_detector.this[0].id
  name        = each.key
  status      = "ENABLED"
}

resource "aws_cloudwatch_log_group" "trail" {
  count = var.watch ? 1 : 0

  name              = "/${var.prefix}/trail"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_iam_role" "trail" {
  count = var.watch ? 1 : 0

  name = "${var.prefix}-trail"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
    }]
  })
}

resource "aws_iam_role_policy" "trail" {
  count = var.watch ? 1 : 0

  name = "write"
  role = aws_iam_role.trail[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.trail[0].arn}:*"
    }]
  })
}
