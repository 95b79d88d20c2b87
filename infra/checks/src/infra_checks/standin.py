"""A provider that knows the AWS provider's schema and nothing of AWS: built here, once per source.

It needs Go and npm, and both their registries, the first time.
"""

import hashlib
import json
import re
from pathlib import Path

from infra_checks import aws_schema
from infra_checks.bench import Bench, NotRunError

SOURCE = Path("infra/terraform/standin")
FOLDER = Path(aws_schema.FOLDER)
VERSION = f"schema of hashicorp/aws {aws_schema.PROVIDER}"
SHORTEST_REASON = 15  # characters; a word is none
RESOURCE = re.compile(r'^resource "(\w+)"', re.MULTILINE)


def schema_file(root: Path) -> Path:
    return root / FOLDER / "schema.json"


def ready(bench: Bench) -> str:
    """Build it and read the schema, where either is missing; the engine's configuration for it."""
    program = _built(bench)
    _schema(bench)
    folder = json.dumps(str(program.parent))
    return (
        f'provider_installation {{\n  dev_overrides {{ "hashicorp/aws" = {folder} }}\n'
        "  direct {}\n}\n"
    )


def _built(bench: Bench) -> Path:
    sources = sorted((bench.root / SOURCE).glob("*.go")) + [
        bench.root / SOURCE / name for name in ("go.mod", "go.sum")
    ]
    wanted = hashlib.sha256(b"\0".join(file.read_bytes() for file in sources)).hexdigest()[:16]
    program = bench.root / FOLDER / f"standin-{wanted}" / "terraform-provider-aws"
    if program.is_file():
        return program
    go = bench.found("go", "it builds the provider that knows the schema alone")
    aside = program.with_suffix(".new")
    done = bench.run(
        go, "build", "-trimpath", "-ldflags", "-s -w", "-o", aside, ".",
        folder=bench.root / SOURCE, env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -p=2"},
    )  # fmt: skip
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        raise NotRunError(f"go could not build {SOURCE}: {words[-1]}")
    return aside.replace(program)


def _schema(bench: Bench) -> None:
    types = sorted(
        {
            kind
            for file in (bench.root / "infra/terraform").glob("**/*.tf")
            for kind in RESOURCE.findall(file.read_text("utf-8"))
        }
    )
    maker = Path(aws_schema.__file__).read_bytes()
    wanted = hashlib.sha256(maker + " ".join(types).encode()).hexdigest()
    file = schema_file(bench.root)
    stamp = file.with_suffix(".stamp")
    if file.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return
    package = aws_schema.package(bench)
    known, unknown = aws_schema.read(package, types)
    file.write_text(json.dumps(known, separators=(",", ":"), sort_keys=True))
    if not unknown:
        stamp.write_text(wanted)
