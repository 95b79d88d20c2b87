"""`python -m mcp_playbook.vet npm:NAME|pypi:NAME|https://…|FOLDER`."""

import sys

from mcp_playbook.vet.cli import main

sys.exit(main())
