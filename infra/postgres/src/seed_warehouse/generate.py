"""Runs tpchgen-cli, the TPC-H data generator that comes as a wheel."""

import shutil
import subprocess
import sys
from pathlib import Path


class GeneratorMissingError(RuntimeError):
    """The wheel is a development dependency; a production install has no use for it."""


def generator() -> Path:
    """The generator of this virtual environment, else one on PATH."""
    beside = Path(sys.executable).with_name("tpchgen-cli")
    if beside.exists():
        return beside
    if found := shutil.which("tpchgen-cli"):
        return Path(found)
    raise GeneratorMissingError(
        "tpchgen-cli is not installed. It comes with the development dependencies: `make up` "
        "installs it, or run `pip install tpchgen-cli`."
    )


def generate(tables: tuple[str, ...], scale: float, folder: Path) -> None:
    """Write `<table>.csv` with a header line into `folder` for each table.

    One run for all tables: every run first builds the same pool of text, which takes a second.
    """
    done = subprocess.run(
        [
            str(generator()), "csv", "--quiet", "--scale-factor", f"{scale:g}",
            "--tables", ",".join(tables), "--output-dir", str(folder),
        ],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"tpchgen-cli failed: {done.stderr.strip()}")
