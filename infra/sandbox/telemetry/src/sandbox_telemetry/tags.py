"""Tempo's `tags`: attributes in logfmt, `service.name=gateway enduser.id="ana"`.

Pure: no clock, no network, no state.
"""

import re

PAIR = re.compile(r'\s*([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)')


class TagsError(ValueError):
    """Not key=value pairs."""


def parse(tags: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while tags[at:].strip():
        pair = PAIR.match(tags, at)
        if pair is None:
            raise TagsError(f"tags are key=value pairs; this is none: {tags[at : at + 40]!r}")
        quoted = pair[2]
        found[pair[1]] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else pair[3]
        at = pair.end()
    return found
