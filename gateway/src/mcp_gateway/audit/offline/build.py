"""The verifier as one file, for a machine that has only Python: these files and nothing else."""

import io
import zipfile
from pathlib import Path

import mcp_gateway.audit.offline

PACKAGES = ("mcp_gateway", "mcp_gateway/audit")
EMPTY = '"""Only the verifier is here."""\n'
MAIN = """\
import sys

from mcp_gateway.audit.offline.cli import main

if __name__ == "__main__":
    sys.exit(main())
"""
FIRST = b"#!/usr/bin/env python3\n"
STAMP = (2026, 1, 1, 0, 0, 0)  # the same files make the same bytes, so that a hash can be published


def build(out: Path) -> int:
    """Write it; how many files it holds."""
    files = {f"{name}/__init__.py": EMPTY for name in PACKAGES} | {"__main__.py": MAIN}
    [folder] = mcp_gateway.audit.offline.__path__
    for path in sorted(Path(folder).glob("*.py")):
        if path.name not in ("build.py", "__main__.py"):
            files[f"mcp_gateway/audit/offline/{path.name}"] = path.read_text("utf-8")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(name, STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    out.write_bytes(FIRST + held.getvalue())
    out.chmod(0o755)
    return len(files)
