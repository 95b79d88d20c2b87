"""Placeholders of the stack.toml files, filled for one stack."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit, urlunsplit

from mcp_local.place import Place
from mcp_local.plan import Part, Plan
from mcp_local.secret_files import Secrets
from mcp_local.stack_toml import StackTomlError

PLACEHOLDER = re.compile(r"\{([a-z_]+)((?::[A-Za-z0-9_.-]+)*)\}")


def with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def with_login(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role)}:{quote(password, safe='')}@{address}"))


def databases(part: Part) -> set[str]:
    """The databases a part names; they are made before its preparation."""
    return {
        words.split(":")[1]
        for text in part.texts()
        for name, words in PLACEHOLDER.findall(text)
        if name in ("postgres", "postgres_admin") and words
    }


@dataclass(frozen=True)
class Filler:
    """Knows every address and secret of one stack. Ports stay as they were when it started."""

    place: Place
    plan: Plan
    ports: Mapping[str, int]
    secrets: Secrets

    @property
    def postgres(self) -> str:
        """The superuser's URL of the `postgres` database, or the one the environment gave."""
        if self.place.database_url:
            return self.place.database_url
        address = f"postgresql://127.0.0.1:{self.ports['postgres']}/postgres"
        return with_login(address, "postgres", self.secrets.get("postgres-superuser"))

    @property
    def redis(self) -> str:
        if self.place.redis_url:
            return self.place.redis_url
        return f"redis://:{self.secrets.get('valkey')}@127.0.0.1:{self.ports['valkey']}/0"

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def urls(self, name: str) -> str:
        """Of a part and those that do the same work, with commas between."""
        return ",".join(self.url(part.name) for part in self.plan.replicas(name))

    def with_any_port(self) -> "Filler":
        """For commands that open no port: parts never started get a number all the same."""
        missing = {part.name: 1 for part in self.plan.parts if part.name not in self.ports}
        return replace(self, ports={**missing, **self.ports})

    def fill(self, text: str, part: Part) -> str:
        placeholders = self._placeholders(part)

        def replace(found: re.Match[str]) -> str:
            words = found[2].split(":")[1:]
            try:
                return placeholders[found[1], len(words)](*words)
            except KeyError as error:
                raise StackTomlError(
                    f"{part.folder / 'stack.toml'}: {found[0]} is not a placeholder of this stack."
                ) from error

        return PLACEHOLDER.sub(replace, text)

    def command(self, command: tuple[str, ...], part: Part) -> list[str]:
        return [self.fill(word, part) for word in command]

    def environment(self, own: Mapping[str, str], part: Part) -> dict[str, str]:
        return {key: self.fill(value, part) for key, value in own.items()}

    def _placeholders(self, part: Part) -> dict[tuple[str, int], Callable[..., str]]:
        place, secret = self.place, self.secrets.get
        return {
            ("python", 0): lambda: sys.executable,
            ("root", 0): lambda: str(place.root),
            ("run", 0): lambda: str(place.run),
            ("folder", 0): lambda: str(part.folder),
            ("name", 0): lambda: part.name,
            ("resource", 0): lambda: part.resource,
            ("port", 0): lambda: str(self.ports[part.name]),
            ("port", 1): lambda name: str(self.ports[name]),
            ("url", 1): self.url,
            ("urls", 1): self.urls,
            ("number", 0): lambda: str(part.number),
            ("replicas", 0): lambda: str(len(self.plan.replicas(part.replica_of or part.name))),
            ("scale", 0): lambda: place.scale,
            ("secret", 1): secret,
            ("postgres_admin", 1): lambda db: with_database(self.postgres, db),
            ("postgres", 2): lambda db, role: with_login(
                with_database(self.postgres, db), role, secret(f"postgres-{role}")
            ),
            ("redis", 0): lambda: self.redis,
            ("issuer", 0): lambda: place.issuer,
            ("issuer_base", 0): lambda: place.issuer_base,
            ("gateway", 0): lambda: place.gateway,
            ("proxies", 0): lambda: "1" if self.plan.fronted() else "0",
            ("upstreams", 0): self._upstreams,
        }

    def _upstreams(self) -> str:
        return json.dumps({s.name: f"{self.url(s.name)}/mcp" for s in self.plan.servers()})
