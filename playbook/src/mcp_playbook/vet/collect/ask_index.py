"""Run by the interpreter whose pip is configured: fetches one project's JSON through pip's session.

pip's own session, so that its index, proxy, certificates, credentials and keyring hold here too.
These are pip's internals; where they have changed, the audit says that the index was not asked.
"""

import json
import sys
from typing import Any

HEADERS = {"Accept": "application/vnd.pypi.simple.v1+json"}


def main(name: str, version: str) -> None:
    from pip._internal.commands import create_command

    command: Any = create_command("download")
    options, _ = command.parse_args([])
    found = {}
    with command.main_context():
        session = command.get_default_session(options)
        index = options.index_url.rstrip("/")
        about = index.removesuffix("/simple") + f"/pypi/{name}/"
        addresses = {"files": f"{index}/{name}/", "about": about + "json"}
        if version:
            addresses["version"] = about + f"{version}/json"
        for what, address in addresses.items():
            reply = session.get(address, headers=HEADERS if what == "files" else None)
            found[what] = {"status": reply.status_code, "body": _read(reply)}
        for address in _provenance(found["files"]["body"], version):
            reply = session.get(address)
            found["provenance"] = {"status": reply.status_code, "body": _read(reply)}
    sys.stdout.write(json.dumps(found))


def _read(reply: Any) -> object:
    try:
        return reply.json()
    except ValueError:
        return None


def _provenance(files: object, version: str) -> list[str]:
    """The address of one attestation of the version, or of the newest file."""
    if not isinstance(files, dict):
        return []
    rows = [one for one in files.get("files", []) if one.get("provenance")]
    rows = [one for one in rows if not version or f"-{version}" in one["filename"]]
    return [rows[-1]["provenance"]] if rows else []


if __name__ == "__main__":
    main(*sys.argv[1:3])
