#!/bin/bash
# Whether Keycloak is ready, asked on its management port: the image has no HTTP client.
set -euo pipefail
exec 3<>/dev/tcp/127.0.0.1/9000
printf 'GET /health/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
read -r _ status _ <&3
[[ $status == 200 ]]
