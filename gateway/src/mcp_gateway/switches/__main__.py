"""`python -m mcp_gateway.switches`."""

import sys

from mcp_gateway.switches.cli import main

if __name__ == "__main__":
    sys.exit(main())
