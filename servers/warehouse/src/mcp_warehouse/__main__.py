"""`python -m mcp_warehouse`: HTTP behind the gateway, or `--stdio`, or `--definitions`."""

import sys

from mcp_shared.serve import main
from mcp_warehouse.semantic.source import LayerError

if __name__ == "__main__":
    try:
        main("mcp_warehouse.server")
    except LayerError as error:  # of metrics.yaml, which is read when the tools are
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
