"""One Keycloak of this machine: a build, a folder of its own for its data, loopback alone.

`python -m mcp_realm serve` is how the local stack runs it; tests start theirs by `prepare`.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mcp_realm.build import environment

ADMIN = "admin"  # of the realm master, made at the first start
LINKED = ("lib", "providers", "themes", "conf")


@dataclass(frozen=True)
class Native:
    """What one Keycloak is started with; `folder` is its own and lives on between starts."""

    build: Path
    java: Path
    folder: Path
    port: int
    public_url: str
    admin_password: str
    database: str | None = None  # postgresql://…; without it, a file in `folder`
    variables: Mapping[str, str] = field(default_factory=dict)  # for ${…} in a realm file

    @property
    def program(self) -> Path:
        return self.folder / "bin" / "kc.sh"

    def start(self) -> list[str]:
        """The realm file is imported where the realm is not there yet, and else left alone."""
        return [
            str(self.program), "start", "--optimized", "--import-realm",
            "--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={self.port}",
            f"--hostname={self.public_url}", "--hostname-backchannel-dynamic=true",
            "--cache=local", *self._behind_tls(),
        ]  # fmt: skip

    def _behind_tls(self) -> list[str]:
        """Who ends TLS is on this machine, too, and the only one whose word counts."""
        if not self.public_url.startswith("https:"):
            return []
        return ["--proxy-headers=xforwarded", "--proxy-trusted-addresses=127.0.0.1"]

    def environment(self) -> dict[str, str]:
        return {
            **environment(self.java),
            **self.variables,
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": self.admin_password,
            **(database_settings(self.database) if self.database else {}),
        }


def database_settings(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    address = f"{parts.hostname}:{parts.port or 5432}{parts.path}{query}"
    return {
        "KC_DB_URL": f"jdbc:postgresql://{address}",
        "KC_DB_USERNAME": unquote(parts.username or ""),
        "KC_DB_PASSWORD": unquote(parts.password or ""),
    }


def prepare(server: Native, realm_file: Path) -> None:
    """Its folder: programs copied, what never changes linked, the realm file where it looks."""
    server.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.rmtree(server.folder / "bin", ignore_errors=True)
    # kc.sh finds its home by its own place, links followed: it must lie here itself
    shutil.copytree(server.build / "bin", server.folder / "bin")
    for name in LINKED:
        link = server.folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(server.build / name)
    data = server.folder / "data" / "import"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    shutil.copy(realm_file, data / "mcp-realm.json")
