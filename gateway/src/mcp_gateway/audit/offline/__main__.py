"""`python -m mcp_gateway.audit.offline`, and the entry of the file that `build` makes."""

import sys

from mcp_gateway.audit.offline.cli import main

if __name__ == "__main__":  # worker processes import this file, too
    sys.exit(main())
