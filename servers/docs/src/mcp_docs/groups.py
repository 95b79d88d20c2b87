"""Groups that may read: which a person has, which a page may name, how the database hears of them.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterable

EVERYONE = "everyone"

# No comma and no quote: the database gets the groups as one comma-separated setting.
_GROUP = re.compile(r"[a-z0-9][a-z0-9_.:/-]{0,79}", re.ASCII)


def is_group(name: str) -> bool:
    return _GROUP.fullmatch(name) is not None


def readable_by(groups: Iterable[str]) -> list[str]:
    """The groups a person reads with. A name no page can carry is left out: it opens nothing."""
    plain = {group.removeprefix("/") for group in groups}
    return sorted({EVERYONE, *filter(is_group, plain)})


def audience(groups: Iterable[str]) -> tuple[str, ...]:
    """The smallest set that says the same: a page for everyone needs no further group."""
    named = set(groups)
    return (EVERYONE,) if EVERYONE in named else tuple(sorted(named))
