"""`python -m mcp_gateway.audit`."""

import sys

from mcp_gateway.audit.cli import main

sys.exit(main())
