"""`python -m seed_warehouse --scale 0.1`; addresses and passwords come from the environment."""

import argparse
import asyncio
import os
import sys

from seed_warehouse.load import load


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m seed_warehouse",
        description="Load the warehouse; quick when it is loaded already.",
        epilog="Reads WAREHOUSE_ADMIN_URL (a superuser's) and WAREHOUSE_RO_PASSWORD.",
    )
    parser.add_argument("--scale", type=float, default=0.1, help="TPC-H scale factor")
    scale = parser.parse_args().scale
    missing = [n for n in ("WAREHOUSE_ADMIN_URL", "WAREHOUSE_RO_PASSWORD") if not os.environ.get(n)]
    if missing:
        sys.exit(f"seed_warehouse: set {' and '.join(missing)}")
    asyncio.run(load(os.environ["WAREHOUSE_ADMIN_URL"], os.environ["WAREHOUSE_RO_PASSWORD"], scale))


if __name__ == "__main__":
    main()
