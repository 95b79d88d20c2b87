"""`python -m mcp_local.front FOLDER PORT PUBLIC=INNER[,INNER]…`: what Caddy needs to answer there.

A Caddyfile; for https the certificate by the stack's own authority, and a bundle for our own
clients: the authority beside those that were trusted before. It listens on loopback, logs no
request, and has no administration endpoint. Several inner addresses of one public URL are replicas:
it balances between them, and sends no call twice.
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
# An idle connection ends here before the gateway ends it (75 s): a call sent into one that has just
# been closed is lost. Calls sent to nobody wait for a replica as long as one takes to come back.
INNER = """\
\t\ttransport http {
\t\t\tdial_timeout 2s
\t\t\tkeepalive 30s
\t\t}"""
# What could not be sent is sent to another replica; what was sent is not, unless it is a GET: of a
# call nobody knows whether it was made. Health is asked of the replica itself alone: with a ledger
# that is away each still gives its own answer. Events are flushed without being told to.
BALANCED = """\
\t\tlb_policy least_conn
\t\tlb_try_duration 5s
\t\tlb_try_interval 100ms
\t\thealth_uri /healthz
\t\thealth_interval 1s
\t\thealth_timeout 5s
\t\tfail_duration 2s"""


def prepare(folder: Path, health_port: int, fronts: Mapping[str, str]) -> None:
    authority = None
    if any(urlsplit(public).scheme == "https" for public in fronts):
        authority = issue(folder)
        authority.bundle.write_text(_trusted(authority))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "Caddyfile").write_text(caddyfile(folder, authority, health_port, fronts))


def caddyfile(
    folder: Path, authority: Authority | None, health_port: int, fronts: Mapping[str, str]
) -> str:
    """`Host` passes unchanged; `X-Forwarded-For` is written anew, whatever a client claims."""
    sites = [_site(authority, public, inner.split(",")) for public, inner in fronts.items()]
    return "\n".join(
        (
            "{",
            "\tadmin off",
            "\tpersist_config off",
            "\tauto_https off",
            f"\tstorage file_system {_quoted(folder / 'caddy')}",
            "\tdefault_bind 127.0.0.1",
            f"\tgrace_period {GRACE}",
            "\tservers {",
            "\t\tprotocols h1 h2",
            "\t\ttimeouts {",
            "\t\t\tread_header 10s",
            "\t\t\tidle 2m",
            "\t\t}",
            "\t}",
            "}",
            f"http://127.0.0.1:{health_port} {{",
            "\trespond /healthz 200",
            "}",
            *sites,
            "",
        )
    )


def _site(authority: Authority | None, public: str, inner: list[str]) -> str:
    address = urlsplit(public)
    return "\n".join(
        (
            f"{address.scheme}://:{address.port} {{",
            *(_tls(authority) if authority and address.scheme == "https" else ()),
            f"\treverse_proxy {' '.join(urlsplit(one).netloc for one in inner)} {{",
            *((BALANCED,) if len(inner) > 1 else ()),
            INNER,
            "\t}",
            "}",
        )
    )


def _tls(authority: Authority) -> tuple[str, ...]:
    files = f"{_quoted(authority.server_certificate)} {_quoted(authority.server_key)}"
    return (f"\ttls {files} {{", "\t\tprotocols tls1.2 tls1.3", "\t}")


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
