"""`python -m mcp_playbook.upgrade`."""

import sys

from mcp_playbook.upgrade.cli import main

sys.exit(main())
