"""What is audited, read from one word: a package, a remote server's address, or a clone.

Pure: a name that could be read as an option or a path is refused here, before any client sees it.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["npm", "pypi", "remote", "clone"]
KINDS: tuple[Kind, ...] = ("npm", "pypi", "remote", "clone")

_NPM = re.compile(r"(?:@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*")
_PYPI = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!-]*")
FORMS = "npm:NAME, npm:NAME@VERSION, pypi:NAME, pypi:NAME==VERSION, https://… or a folder"


class SubjectError(ValueError):
    """The text names nothing that can be audited."""


@dataclass(frozen=True, slots=True)
class Subject:
    kind: Kind
    name: str
    version: str | None = None

    @property
    def shown(self) -> str:
        if self.kind == "npm":
            return f"npm:{self.name}" + (f"@{self.version}" if self.version else "")
        if self.kind == "pypi":
            return f"pypi:{self.name}" + (f"=={self.version}" if self.version else "")
        return self.name

    def at(self, version: str) -> "Subject":
        return replace(self, version=version)


def parse(text: str) -> Subject:
    """Read `npm:…`, `pypi:…` or an address.

    Raises:
        SubjectError: anything else, with the forms there are.

    """
    kind, _, rest = text.partition(":")
    if kind == "npm":
        at = rest.find("@", 1)
        name, version = (rest, "") if at < 0 else (rest[:at], rest[at + 1 :])
        return _package("npm", _NPM, name, version if at >= 0 else None)
    if kind == "pypi":
        name, pinned, version = rest.partition("==")
        return _package("pypi", _PYPI, name, version if pinned else None)
    if kind in {"http", "https"}:
        return Subject("remote", _address(text))
    raise SubjectError(f"{text!r} is none of: {FORMS}.")


def _package(
    kind: Literal["npm", "pypi"], allowed: re.Pattern[str], name: str, version: str | None
) -> Subject:
    if not allowed.fullmatch(name):
        raise SubjectError(f"{name!r} is no {kind} package name. Expected: {FORMS}.")
    if version is not None and not _VERSION.fullmatch(version):
        raise SubjectError(f"{version!r} is no version. Expected: {FORMS}.")
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    return Subject(kind, name, version)


def _address(text: str) -> str:
    parts = urlsplit(text)
    if not parts.hostname:
        raise SubjectError(f"{text!r} has no host.")
    if parts.username or parts.password:
        raise SubjectError("An address holds no credentials; put a token into MCP_TOKEN.")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise SubjectError(f"{text!r} would be asked without TLS; only loopback may be.")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
