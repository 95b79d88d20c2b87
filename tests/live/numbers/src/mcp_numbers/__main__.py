"""`python -m mcp_numbers [--stdio | --definitions]`."""

from mcp_numbers.server import build
from mcp_shared.serve import main

if __name__ == "__main__":
    main(build)
