"""The warehouse's customers without a warehouse: what the CRM is seeded from.

    python -m seed_warehouse.customers --scale 0.1

prints them as CSV. The same scale gives the same customers as the table `tpch.customer`.
"""

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from decimal import Decimal
from pathlib import Path

from seed_warehouse.generate import generate


@dataclass(frozen=True, slots=True)
class Customer:
    """One account. `custkey` and `name` are the warehouse's account id and name."""

    custkey: int
    name: str
    nation: str
    region: str
    segment: str
    phone: str
    acctbal: Decimal


def customers(scale: float) -> list[Customer]:
    """All customers by key; takes about a second at scale 0.1 (15,000 of them)."""
    with tempfile.TemporaryDirectory(prefix="tpch-") as scratch:
        folder = Path(scratch)
        generate(("region", "nation", "customer"), scale, folder)
        regions = {r["r_regionkey"]: r["r_name"] for r in _rows(folder / "region.csv")}
        nations = {
            r["n_nationkey"]: (r["n_name"], regions[r["n_regionkey"]])
            for r in _rows(folder / "nation.csv")
        }
        return [
            Customer(
                int(r["c_custkey"]), r["c_name"], *nations[r["c_nationkey"]], r["c_mktsegment"],
                r["c_phone"], Decimal(r["c_acctbal"]),
            )
            for r in _rows(folder / "customer.csv")
        ]  # fmt: skip


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(newline="") as lines:
        yield from csv.DictReader(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m seed_warehouse.customers")
    parser.add_argument("--scale", type=float, default=0.1, help="TPC-H scale factor")
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(field.name for field in fields(Customer))
    out.writerows(astuple(customer) for customer in customers(parser.parse_args().scale))


if __name__ == "__main__":
    main()
