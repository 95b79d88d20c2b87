# The archive's second copy, when there is a place for it.

resource "aws_iam_role" "replica" {
  count = var.replica_bucket_arn == null ? 0 : 1

  name = "${var.prefix}-archive-replica"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "replica" {
  count = var.replica_bucket_arn == null ? 0 : 1

  name = "copy"
  role = aws_iam_role.replica[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket", "s3:GetBucketObjectLockConfiguration"]
        Resource = aws_s3_bucket.archive.arn
      },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging", "s3:GetObjectRetention"]
        Resource = "${aws_s3_bucket.archive.arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = ["s3:ReplicateObject", "s3:ReplicateTags"]
        Resource = "${var.replica_bucket_arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = var.archive_key_arn
      },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "archive" {
  count = var.replica_bucket_arn == null ? 0 : 1

  bucket = aws_s3_bucket.archive.id
  role   = aws_iam_role.replica[0].arn

  rule {
    id     = "everything"
    status = "Enabled"

    filter {}

    delete_marker_replication {
      status = "Disabled"
    }
    destination {
      bucket        = var.replica_bucket_arn
      storage_class = "STANDARD_IA"
    }
  }

  depends_on = [aws_s3_bucket_versioning.archive]
}
