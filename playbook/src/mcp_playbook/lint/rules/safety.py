"""D9: nothing a reviewer does not see, nothing that gives a model orders, no shouting.

Pure: no clock, no network, no state.
"""

import re
import unicodedata
from collections.abc import Iterator

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.server import Server
from mcp_playbook.lint.tidy import MAX_DEPTH, TOO_DEEP
from mcp_shared.contract import hidden, shouted

HIDDEN = 100.0
ORDER = 40.0
SHOUTED = 4.0

_TALK = r"(?:instructions?|prompts?|rules?|tools?|messages?|guidelines?)"
_NO_NEGATION = r"(?:(?!\b(?:not|never|no|cannot)\b|n't\b)[^.!?\n])*"
ORDERS = {
    "sets other instructions aside": (
        rf"\b(?:ignore|disregard|forget|override|bypass)\b[^.]{{0,40}}\b{_TALK}\b"
    ),
    "keeps something from the person": (
        r"\b(?:do not|don't|never|avoid)\b(?:(?!\bwithout\b)[^.]){0,20}"
        r"\b(?:tell|inform|notify|alert|mention\w*|reveal\w*|disclos\w+|telling|informing)\b"
        r"[^.]{0,30}\b(?:user|person|human|anyone|anybody)\b"
        r"|\b(?:do not|don't|never) (?:mention|reveal|disclose) (?:this|it|that)(?=[.,;!]|$| to\b)"
        # "never without asking" is the opposite, so no negation may stand before it
        rf"|(?:^|[.!?\n]){_NO_NEGATION}\bwithout (?:asking|telling|informing|notifying)\b"
        r"[^.]{0,20}\b(?:user|person|human)\b"
    ),
    "places itself before other tools": (
        r"\b(?:always|must|first)\b[^.]{0,30}\b(?:use|call|invoke|run|prefer)\b[^.]{0,20}"
        r"\b(?:this|it)\b(?: tool)?[^.]{0,20}\b(?:first|before|instead|over)\b"
        r"|\b(?:before|instead of) (?:using |calling )?(?:any|every|all)(?: other)? tools?\b"
        r"|\bprefer this tool\b|\b(?:never|do not|don't) use (?:any )?other tools?\b"
    ),
    "asks for what a tool has no business with": (
        r"\bsystem prompt\b|\bdeveloper message\b|~/\.\w+|\bid_rsa\b|/etc/passwd\b"
        r"|\b(?:chat|conversation) (?:history|log)\b|\b(?:entire|whole|full) conversation\b"
    ),
    "is marked up as if by the host": (
        r"<\s*/?\s*(?:important|system|instructions?|secret|assistant|user|critical)\s*>|<!--"
        r"|\[/?INST\]|<\|"
    ),
    "carries a block nobody can read": r"[A-Za-z0-9+/]{120,}={0,2}",
}  # fmt: skip
_ORDERS = {what: re.compile(pattern, re.IGNORECASE) for what, pattern in ORDERS.items()}
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def check(tool: Definition, _server: Server) -> Iterator[Finding]:
    for where, text in tool.everything.items():
        if found := hidden(text):
            yield Finding(
                "D9", tool.name, f"{where} has invisible characters: {', '.join(found[:5])}",
                "Remove them. Text from elsewhere is typed anew, not pasted.", HIDDEN,
            )  # fmt: skip
        for what, pattern in _ORDERS.items():
            if match := pattern.search(text):
                yield Finding(
                    "D9", tool.name, f"{where} {what}: {_shown(match[0])}",
                    "Say what the tool does; what a model should do is for its operator to say.",
                    ORDER,
                )  # fmt: skip
        for word in sorted(_mixed(text)):
            yield Finding(
                "D9", tool.name, f"{where} mixes alphabets within {word!r}",
                "Write the word in one alphabet: letters that look alike are not.", ORDER,
            )  # fmt: skip
    if any(text == TOO_DEEP for text in tool.everything.values()):
        yield Finding(
            "D9", tool.name, f"nests deeper than {MAX_DEPTH} levels, where nobody reads",
            "Flatten the schema.", HIDDEN,
        )  # fmt: skip
    values = {str(v) for one in tool.arguments.values() for v in one.binds.get("enum", ())}
    for word in shouted(tool.text):
        if word not in values:
            yield Finding(
                "D9",
                tool.name,
                f"shouts {word!r}",
                "Write it in plain letters, as a fact.",
                SHOUTED,
            )


def _shown(text: str) -> str:
    return repr(" ".join(text.split())[:80])


def _mixed(text: str) -> set[str]:
    return {word for word in _LETTERS.findall(text) if len(_alphabets(word)) > 1}


def _alphabets(word: str) -> set[str]:
    """Of the three whose letters are mistaken for each other."""
    names = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
    return names & {"LATIN", "CYRILLIC", "GREEK"}
