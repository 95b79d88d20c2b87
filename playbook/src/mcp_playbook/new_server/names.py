"""What a new server is called, and everything named after it. Pure; refuses what would not work."""

import keyword
import re
from dataclasses import dataclass

from mcp_gateway.configuration.settings import SERVER_NAME

THING = re.compile(r"^[a-z]{2,}( [a-z]{2,})*$")
MAX_THING = 20  # so that no tool's name has more than the 64 characters that hosts take

# a module, an argument or a class beside the ones named after the server
TAKEN_NAMES = frozenset((
    "annotated", "any", "base", "callable", "caller", "common", "consts", "context", "customer",
    "helpers", "limit", "listed", "mcp", "misc", "models", "number", "opener", "protocol",
    "pin", "resolve", "rest", "rows", "sandbox", "server", "settings", "setup", "status", "summed",
    "text", "tools", "utils", "vendor",
))  # fmt: skip
# a class beside the ones named after the record
TAKEN_THINGS = frozenset((
    "adapter", "added note", "answer", "any", "caller", "conflict", "field", "invalid", "literal",
    "note", "number", "rest", "rows", "status", "status line", "unavailable", "vendor",
))  # fmt: skip


class RefusedError(Exception):
    """The run stops before anything is written; the text says why and what to do."""


@dataclass(frozen=True)
class Names:
    """`Names("sales-orders", "purchase order")`."""

    name: str
    thing: str

    @property
    def package(self) -> str:
        return f"mcp_{self.port}"

    @property
    def port(self) -> str:
        return self.name.replace("-", "_")

    @property
    def env(self) -> str:
        return self.port.upper()

    @property
    def system(self) -> str:
        return self.name.replace("-", " ")

    @property
    def title(self) -> str:
        return self.system.capitalize()

    @property
    def item(self) -> str:
        return self.thing.replace(" ", "_")

    @property
    def things(self) -> str:
        return plural(self.thing)

    @property
    def items(self) -> str:
        return self.things.replace(" ", "_")

    def values(self) -> dict[str, str]:
        """What the template may use; it stops at any other word."""
        return {
            "name": self.name,
            "package": self.package,
            "folder": self.port,  # of the tests: it is imported, so no dash
            "env": self.env,
            "system": self.system,
            "title": self.title,
            "port": self.port,
            "Port": _camel(self.system),
            "thing": self.thing,
            "things": self.things,
            "Things": self.things.capitalize(),
            "item": self.item,
            "items": self.items,
            "Item": _camel(self.thing),
            "ITEMS": self.items.upper(),
            "code": self.item[:3].upper().rstrip("_"),
        }


def names(name: str, thing: str) -> Names:
    """The names of a server, checked by themselves.

    Raises:
        RefusedError: a name that Python, the gateway or the template cannot take.

    """
    if not name:
        raise RefusedError("NAME is missing: make new-server NAME=billing THING=invoice")
    if not SERVER_NAME.fullmatch(name):
        raise RefusedError(
            f"NAME={name!r}: a server's name is lower-case letters, digits and dashes, begins with "
            "a letter and has 31 characters at most, such as billing or sales-orders. No "
            "underscore: it separates server and tool."
        )
    words = " ".join(re.split(r"[ _-]+", thing.strip().lower()))
    if not THING.fullmatch(words) or len(words) > MAX_THING:
        raise RefusedError(
            f"THING={thing!r}: say what one record is, in {MAX_THING} letters at most, such as "
            "invoice or purchase order."
        )
    made = Names(name, words)
    if made.port in TAKEN_NAMES or keyword.iskeyword(made.port):
        raise RefusedError(f"NAME={name}: the word means something else inside; choose another.")
    if not made.port.isidentifier() or made.port.endswith("_") or "__" in made.port:
        raise RefusedError(f"NAME={name}: one dash between words, none at the end.")
    if words in TAKEN_THINGS or keyword.iskeyword(words):
        raise RefusedError(f"THING={words}: the word means something else inside; choose another.")
    if _camel(made.system) in {_camel(words) + end for end in ("", "List", "Overview", "Summary")}:
        raise RefusedError(
            f"NAME={name} and THING={words}: call the server what keeps the {made.things}, such as "
            "billing for an invoice."
        )
    return made


def plural(thing: str) -> str:
    if re.search(r"[^aeiou]y$", thing):
        return f"{thing[:-1]}ies"
    return f"{thing}es" if re.search(r"(?:s|x|z|ch|sh)$", thing) else f"{thing}s"


def _camel(words: str) -> str:
    return "".join(word.capitalize() for word in words.split())
