"""Words of a text as they are compared: lower case, split at case and underscore, plural undone.

English only: the stop words and the three plural rules (Harman's S stemmer) are.
"""

import re

_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\d_]+")
_STOP_LINE = """
a about all an and any are as at be been by can could did do does for from had has have how i if in
into is it its me my no not of on one only or our out over own should so some such than that the
their them then there these they this those to up us was we were what when where which who whom
whose why will with would you your please
"""
STOP = frozenset(_STOP_LINE.split())


def singular(word: str) -> str:
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return word


def plain(text: str) -> list[str]:
    """Every word, stop words too."""
    return [singular(word.lower()) for word in _WORD.findall(text)]


def content(text: str) -> list[str]:
    """The words that say something."""
    return [word for word in plain(text) if word not in STOP and len(word) > 1]
