"""`python -m seed_warehouse --scale 0.1`; addresses and passwords come from the environment."""

import argparse
import asyncio
import os
import sys

from seed_warehouse.load import load

SMALLEST = 0.01  # below it TPC-H repeats suppliers of a part, and keys are no longer unique
LARGEST = 10.0  # 10 GB of text; the temporary folder holds it during the load


def _scale(text: str) -> float:
    scale = float(text)
    if not SMALLEST <= scale <= LARGEST:
        raise argparse.ArgumentTypeError(f"from {SMALLEST} to {LARGEST:g}")
    return scale


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m seed_warehouse",
        description="Load the warehouse; quick when it is loaded already.",
        epilog="Reads WAREHOUSE_ADMIN_URL (a superuser's), WAREHOUSE_RO_PASSWORD and, where the "
        "server keeps results here, WAREHOUSE_RESULTS_PASSWORD.",
    )
    parser.add_argument("--scale", type=_scale, default=0.1, help="TPC-H scale factor")
    scale = parser.parse_args().scale
    missing = [n for n in ("WAREHOUSE_ADMIN_URL", "WAREHOUSE_RO_PASSWORD") if not os.environ.get(n)]
    if missing:
        sys.exit(f"seed_warehouse: set {' and '.join(missing)}")
    asyncio.run(
        load(
            os.environ["WAREHOUSE_ADMIN_URL"],
            os.environ["WAREHOUSE_RO_PASSWORD"],
            scale,
            os.environ.get("WAREHOUSE_RESULTS_PASSWORD"),
        )
    )


if __name__ == "__main__":
    main()
