"""`python -m mcp_local.front FOLDER PORT PUBLIC=INNER…`: what Caddy needs to answer https there.

The certificate by the stack's own authority, a Caddyfile, and a bundle for our own clients: the
authority beside those that were trusted before. It listens on loopback, logs no request, and has no
administration endpoint.
"""

import argparse
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mcp_local.private_ca import issue
from mcp_local.trust import VARIABLE, Authority

GRACE = "5s"  # for calls under way when it is told to stop; the gateway has its own


def prepare(folder: Path, health_port: int, fronts: Mapping[str, str]) -> None:
    authority = issue(folder)
    (folder / "Caddyfile").write_text(caddyfile(authority, health_port, fronts))
    authority.bundle.write_text(_trusted(authority))


def caddyfile(authority: Authority, health_port: int, fronts: Mapping[str, str]) -> str:
    """`Host` passes unchanged; `X-Forwarded-For` is written anew, whatever a client claims."""
    sites = [_site(authority, public, inner) for public, inner in fronts.items()]
    return "\n".join(
        (
            "{",
            "\tadmin off",
            "\tpersist_config off",
            "\tauto_https off",
            f"\tstorage file_system {_quoted(authority.folder / 'caddy')}",
            "\tdefault_bind 127.0.0.1",
            f"\tgrace_period {GRACE}",
            "\tservers {",
            "\t\tprotocols h1 h2",
            "\t}",
            "}",
            f"http://127.0.0.1:{health_port} {{",
            "\trespond /healthz 200",
            "}",
            *sites,
            "",
        )
    )


def _site(authority: Authority, public: str, inner: str) -> str:
    files = f"{_quoted(authority.server_certificate)} {_quoted(authority.server_key)}"
    return "\n".join(
        (
            f"https://:{urlsplit(public).port} {{",
            f"\ttls {files} {{",
            "\t\tprotocols tls1.2 tls1.3",
            "\t}",
            f"\treverse_proxy {urlsplit(inner).netloc}",
            "}",
        )
    )


def _quoted(path: Path) -> str:
    text = str(path)
    if '"' in text or "\\" in text or "{" in text:
        raise ValueError(f"{text}: Caddy's configuration cannot name a folder like this.")
    return f'"{text}"'


def _trusted(authority: Authority) -> str:
    """Whom this machine trusts, and the stack's authority; never a bundle of ours twice."""
    given = os.environ.get(VARIABLE)
    before = (
        given
        if given and Path(given) != authority.bundle
        else ssl.get_default_verify_paths().openssl_cafile
    )
    file = Path(before)
    texts = [file.read_text("utf-8")] if file.is_file() else []
    return "\n".join([*texts, authority.certificate.read_text("utf-8")])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_local.front", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("health_port", type=int)
    parser.add_argument("fronts", nargs="+", metavar="PUBLIC=INNER")
    given = parser.parse_args()
    fronts = dict(one.split("=", 1) for one in given.fronts)
    try:
        prepare(given.folder, given.health_port, fronts)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
