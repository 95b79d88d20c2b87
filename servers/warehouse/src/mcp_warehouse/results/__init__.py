"""Results too large for a model: kept for a while as CSV and Parquet, read by whoever made them."""
