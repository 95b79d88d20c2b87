"""A provider that knows the AWS provider's schema and nothing of AWS: built here, once per source.

It needs Go and npm, and both their registries, the first time.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from infra_checks import aws_schema
from infra_checks.bench import Bench, NotRunError

SOURCE = Path("infra/terraform/standin")
FOLDER = Path(aws_schema.FOLDER)
VERSION = f"schema of hashicorp/aws {aws_schema.PROVIDER}"
SHORTEST_REASON = 15  # characters; a word is none
RESOURCE = re.compile(r'^resource "(\w+)"', re.MULTILINE)


def ready(bench: Bench) -> str:
    """Build it and read the schema, where either is missing; the engine's configuration for it.

    Program and schema lie side by side in a folder of their own, for each pair of them.
    """
    folder = json.dumps(str(_paired(bench, _built(bench))))
    return (
        f'provider_installation {{\n  dev_overrides {{ "hashicorp/aws" = {folder} }}\n'
        "  direct {}\n}\n"
    )


def _built(bench: Bench) -> Path:
    sources = [bench.root / SOURCE / name for name in ("go.mod", "go.sum")]
    sources += sorted((bench.root / SOURCE).glob("*.go"))
    wanted = hashlib.sha256(b"\0".join(file.read_bytes() for file in sources)).hexdigest()[:16]
    program = bench.root / FOLDER / f"standin-{wanted}"
    if program.is_file():
        return program
    go = bench.found("go", "it builds the provider that knows the schema alone")
    aside = program.with_suffix(f".{os.getpid()}")
    done = bench.run(
        go, "build", "-trimpath", "-ldflags", "-s -w", "-o", aside, ".",
        folder=bench.root / SOURCE, env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -p=2"},
    )  # fmt: skip
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        raise NotRunError(f"go could not build {SOURCE}: {words[-1]}")
    return aside.replace(program)


def _paired(bench: Bench, program: Path) -> Path:
    types = sorted(
        {
            kind
            for file in (bench.root / SOURCE.parent).glob("**/*.tf")
            for kind in RESOURCE.findall(file.read_text("utf-8"))
        }
    )
    maker = Path(aws_schema.__file__).read_bytes()
    wanted = hashlib.sha256(maker + program.name.encode() + " ".join(types).encode()).hexdigest()
    folder = program.parent / f"aws-{wanted[:16]}"
    if folder.is_dir():
        return folder
    known, _ = aws_schema.read(aws_schema.package(bench), types)  # validate names an unknown one
    aside = folder.with_suffix(f".{os.getpid()}")
    aside.mkdir()
    (aside / "schema.json").write_text(json.dumps(known, separators=(",", ":"), sort_keys=True))
    (aside / "terraform-provider-aws").hardlink_to(program)
    with contextlib.suppress(OSError):  # another run was faster
        aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
    return folder
