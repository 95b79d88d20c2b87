"""What a check of the doctor says, where in a file something stands, and how it asks over HTTP."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

ASK_SECONDS = 5
MOST_BYTES = 2_000_000  # of an answer


@dataclass(frozen=True)
class Finding:
    what: str
    good: bool
    remedy: str = ""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """Raises ValueError where it is no JSON object."""
        content = json.loads(self.body)
        if not isinstance(content, dict):
            raise ValueError("the answer is no JSON object")  # noqa: TRY004  as json itself
        return content


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer here: where it leads is what is asked."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, form: Mapping[str, str] | None = None) -> Answer:
    """Any answer, whatever its status; no proxy, as everything is on this machine.

    Raises:
        OSError: nobody answers.

    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    data = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        with opener.open(url, data, timeout=ASK_SECONDS) as answer:
            return Answer(answer.status, answer.headers, answer.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read(MOST_BYTES))


def get(url: str) -> tuple[dict[str, Any], str | None]:
    """A document, and the date it came with.

    Raises:
        OSError: nobody answers, or not with 200.
        ValueError: the answer is no JSON object.

    """
    answer = ask(url)
    if answer.status != 200:
        raise OSError(f"{url} answers {answer.status}")
    return answer.document, answer.headers.get("date")


def place_of(root: Path, name: str, words: str) -> str:
    """`file:line` of the first line with these words; the file alone where no line has them."""
    file = root / name
    if file.is_file():
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if words in line:
                return f"{name}:{number}"
    return name
