"""The operator's console as a browser would use it: sign in, read the overview."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urljoin

import httpx2

from mcp_playbook import wire

PAGES = 12  # redirects, sign-in and consent on the way


class ConsoleError(RuntimeError):
    """The console could not be read; the message says where it ended."""


@dataclass(frozen=True)
class Row:
    tool: str
    errors: int
    calls: int


async def overview(origin: str, operator: tuple[str, str], window: str = "24h") -> list[Row]:
    """The tools as the page ranks them.

    Raises:
        ConsoleError: sign-in did not lead back to the page.

    """
    # like a browser, it takes loopback for a secure context
    jar = CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http")))
    async with wire.client(cookies=jar) as client:
        page = await client.get(f"{origin}/console/", params={"window": window})
        page = await _signed_in(client, page, operator)
    rows = _Rows()
    rows.feed(page.text)
    return rows.found


async def _signed_in(
    client: httpx2.AsyncClient, page: httpx2.Response, operator: tuple[str, str]
) -> httpx2.Response:
    username, password = operator
    for _ in range(PAGES):
        if 300 <= page.status_code < 400:
            page = await client.get(urljoin(str(page.url), page.headers["location"]))
        elif 'name="password"' in page.text:
            page = await _submit(client, page, username=username, password=password)
        elif (link := _link(page)) is not None:
            page = await client.get(urljoin(str(page.url), link))
        elif "/console" in str(page.url) and page.status_code == 200:
            return page
        else:
            page = await _submit(client, page, accept="Yes")
    raise ConsoleError(f"sign-in of {username} ended at {page.url} ({page.status_code})")


def _link(page: httpx2.Response) -> str | None:
    """The welcome page's one link to sign-in."""
    forms = _Forms()
    forms.feed(page.text)
    if forms.sign_in and "again=" in forms.sign_in:
        raise ConsoleError("this person may not see the console: neither operator nor auditor")
    return forms.sign_in


async def _submit(
    client: httpx2.AsyncClient, page: httpx2.Response, **fields: str
) -> httpx2.Response:
    forms = _Forms()
    forms.feed(page.text)
    if forms.action is None:
        raise ConsoleError(f"no way on from {page.url} ({page.status_code})")
    action = urljoin(str(page.url), forms.action)
    return await client.post(action, data={**forms.fields, **fields})


class _Forms(HTMLParser):
    """A page's first POST form, and its link to sign-in."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.sign_in: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None and said.get("method", "").lower() == "post":
            self.action, self._inside = said.get("action", ""), True
        if tag == "a" and "/console/sign-in" in said.get("href", ""):
            self.sign_in = said["href"]
        if tag == "input" and self._inside and said.get("type") != "submit" and said.get("name"):
            self.fields[said["name"]] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


@dataclass
class _Rows(HTMLParser):
    """Rows of the table of tools: its name, errors (column 2) and calls (column 4)."""

    found: list[Row] = field(default_factory=list)
    _cells: list[str] = field(default_factory=list)
    _in_table: bool = False
    _in_row: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table" and ("class", "tools") in attrs:
            self._in_table = True
        if self._in_table and tag == "tr":
            self._in_row, self._cells = True, []
        if self._in_row and tag in ("td", "th"):
            self._cells.append("")

    def handle_data(self, data: str) -> None:
        if self._in_row and self._cells:
            self._cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._in_table = False
        if tag == "tr" and self._in_row:
            self._in_row = False
            cells = [cell.strip() for cell in self._cells]
            if len(cells) >= 4 and cells[0] != "Tool":
                self.found.append(Row(cells[0], _number(cells[1]), _number(cells[3])))


def _number(text: str) -> int:
    digits = "".join(c for c in text if c.isdigit())
    return int(digits) if digits else 0
