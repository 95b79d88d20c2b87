"""Two texts as one, with the words that went and came marked: [-so-] and {+so+}.

Pure: no clock, no network, no state. What draws nothing is written as its code point.
"""

import difflib

from mcp_shared.contract import hidden

KEPT = 6  # words shown on either side of a change


def marked(before: str, after: str) -> str:
    """Only what changed, with some words around it; line breaks count as blanks."""
    old, new = visible(before).split(), visible(after).split()
    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    told: list[str] = []
    for number, (tag, a, b, c, d) in enumerate(steps):
        if tag == "equal":
            told += _around(old[a:b], first=number == 0, last=number == len(steps) - 1)
            continue
        if b > a:
            told.append(f"[-{' '.join(old[a:b])}-]")
        if d > c:
            told.append(f"{{+{' '.join(new[c:d])}+}}")
    return " ".join(told)


def _around(words: list[str], *, first: bool, last: bool) -> list[str]:
    head = [] if first else words[:KEPT]
    tail = [] if last else words[-KEPT:]
    if len(words) <= len(head) + len(tail):
        return words if not (first and last) else []
    return [*head, "…", *tail]


def visible(text: str) -> str:
    """What a reviewer would not see, spelt out."""
    unseen = set(hidden(text))
    return "".join(f"<U+{ord(one):04X}>" if f"U+{ord(one):04X}" in unseen else one for one in text)
