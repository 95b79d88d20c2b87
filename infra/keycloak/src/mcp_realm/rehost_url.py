"""A public URL as an identity: one spelling, and the lines of a file that hold it. Pure."""

import re
from urllib.parse import urlsplit

from mcp_shared.settings import is_loopback

DEFAULT_PORTS = {"https": 443, "http": 80}
# where our own URL ends or goes on; never into an issuer behind the same name
AFTER = r"(?=/mcp\b|/servers/|/console\b|/?(?:[\s\"',\]}#]|$))"


class NotPublicUrlError(ValueError):
    """It cannot be a gateway's identity; the sentence says why."""


def public(url: str) -> str:
    """The URL itself, if it has the one spelling that everybody will compare with.

    Raises:
        NotPublicUrlError: it has another, or leads nowhere.

    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise NotPublicUrlError(f"{url}: that is no port") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise NotPublicUrlError(f"{url}: expected https:// and a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise NotPublicUrlError(f"{url}: a name, password, query or fragment is no part of it")
    if parts.path:
        raise NotPublicUrlError(f"{url}: without a path: endpoints are /mcp and /servers/NAME/mcp")
    if parts.scheme == "http" and not is_loopback(url):
        raise NotPublicUrlError(f"{url}: https, as tokens travel there")
    if port == DEFAULT_PORTS[parts.scheme]:
        raise NotPublicUrlError(f"{url}: without :{port}, which clients leave out")
    if url != url.lower() or not url.isascii():
        raise NotPublicUrlError(f"{url}: in lower case and ASCII (xn--…), as clients compare it")
    return url


def issuer(url: str) -> str:
    """An issuer's URL, as its tokens say it.

    Raises:
        NotPublicUrlError: it is none.

    """
    origin, found, name = url.partition("/realms/")
    if not found or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise NotPublicUrlError(f"{url}: expected …/realms/NAME, without a trailing slash")
    public(origin)
    return url


def moved(text: str, old: str, new: str, *, key: str = "public_url") -> str:
    """The text with one URL in the place of another: comments, order and all else stay."""
    if key == "issuer":
        return re.sub(rf"{re.escape(old)}(?![\w.:/-])", new, text)
    kept = []
    for line in text.splitlines(keepends=True):
        mine = line.lstrip().startswith("issuer:")
        kept.append(line if mine else re.sub(re.escape(old) + AFTER, new, line))
    return "".join(kept)
