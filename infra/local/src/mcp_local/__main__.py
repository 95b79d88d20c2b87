"""python -m mcp_local: the commands behind the Makefile. `--help` lists them."""

import sys

from mcp_local.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
