output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "subnet_ids" {
  description = "For each kind the ids of its subnets."
  value = {
    private  = [for zone in local.zones : aws_subnet.private[zone].id]
    isolated = [for zone in local.zones : aws_subnet.isolated[zone].id]
    public   = [for zone in local.zones : aws_subnet.public[zone].id]
  }
}

output "endpoints_group_id" {
  description = "Security group of the interface endpoints."
  value       = aws_security_group.endpoints.id
}

output "s3_prefix_list_id" {
  description = "Addresses of S3, for security groups."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}
