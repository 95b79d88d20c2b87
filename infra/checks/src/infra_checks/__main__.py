"""`python -m infra_checks [NAME…]`: a line for every check, then what it objects to.

Exit status 1 on any finding. What did not run is counted apart; STRICT=1 makes that fail, too.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from infra_checks import catalogue
from infra_checks.bench import Bench, NotRunError
from infra_checks.check import Check
from mcp_local.place import find_root

CLEAN, FOUND, UNUSABLE = 0, 1, 2  # exit codes
RECORD = "check-infra.json"


def look(check: Check, bench: Bench) -> str:
    """Run one check and print its line; the word that counts it."""
    begun = time.monotonic()
    try:
        ran = check.run(bench)
    except NotRunError as error:
        print(f"  not run  {check.name}: {error}")
        return "not run"
    took = f"{time.monotonic() - begun:.1f} s"
    by = f"; {', '.join(ran.versions)}" if ran.versions else ""
    if ran.findings:
        print(f"  FINDINGS {check.name}: {ran.looked_at} ({took}{by})")
        for finding in ran.findings:
            print(f"             {finding}")
        return "found"
    print(f"  clean    {check.name}: {ran.looked_at} ({took}{by})")
    print(f"             {check.proves}")
    return "clean"


def keep(root: Path, told: dict[str, str]) -> None:
    """What a whole run found, for the playbook's checklist."""
    folder = os.environ.get("PLAYBOOK_EVIDENCE") or root / ".run" / "evidence"
    file = Path(folder) / RECORD
    file.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    file.write_text(json.dumps({"date": now, "checks": told}, indent=2) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra_checks", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(catalogue.SUBJECTS)}; all without")
    names = tuple(parser.parse_args().name)
    try:
        subjects = catalogue.checks(names)
    except catalogue.UnknownSubjectError as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    bench = Bench(find_root(Path.cwd()))
    told: dict[str, str] = {}
    for subject, found in subjects.items():
        print(subject)
        # two subjects may have a check of one name
        told |= {f"{subject}: {check.name}": look(check, bench) for check in found}
    words = list(told.values())
    if not names:
        keep(bench.root, told)
    clean, findings, skipped = (words.count(word) for word in ("clean", "found", "not run"))
    print(f"\n{clean} clean, {findings} with findings, {skipped} not run")
    strict = os.environ.get("STRICT") == "1"
    return FOUND if findings or (strict and skipped) else CLEAN


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="checks-", ignore_cleanup_errors=True) as left:
        os.environ["TMPDIR"] = left  # by validators
        sys.exit(main())
