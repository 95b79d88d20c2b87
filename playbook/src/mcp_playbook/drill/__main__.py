"""`python -m mcp_playbook.drill`."""

import sys

from mcp_playbook.drill.cli import main

sys.exit(main(sys.argv[1:]))
