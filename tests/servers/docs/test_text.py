import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mcp_docs.load.blocks import Heading, Prose, blocks
from mcp_docs.load.compose import compose
from mcp_docs.load.formats import markdown
from mcp_docs.text import escaped, link, passage, plain_lines, visible

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PIECES = [
    "<img src=//evil.example?q=", ">", "<script>", "</script>", "![x](", ")", "[a](javascript:alert(1))",
    "`", "``", "\\", "<", "a", " ", "\n", "\n\n", "|", "~~~", "```", "# ", "> ", "- ", "1. ", "    ",
    "[b]: javascript:1", "[b]", "<javascript:x>", "&lt;", "&#60;", "<!--", "-->", "**", "_", "|---|",
    "<a href='data:text/html,x'>", "</a>", "<b>", "</b>", "<pre>", "</pre>", "<td>", "<table>", "\u202e",
    "<div hidden>", "</div>", "===", "---", "!", "](", "[", "]", "\u200b", "\x1b[31m",
]  # fmt: skip


def tokens(text: str) -> Iterator[Token]:
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def shown(source: str) -> str:
    return compose("T", blocks(markdown(source), lambda _: None)).body


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@example("\\` `<img src=x>`")
@example("\\~~~\n\n```\n~~~\n<img src=x>\n```")
@example("| a |\n|---|\n| `x \\| <img src=y>` |")
def test_nothing_that_was_loaded_is_html_image_or_a_link_elsewhere(source: str) -> None:
    """Read again by a Markdown reader that allows HTML, a page has none."""
    for token in tokens(shown(source)):
        assert token.type not in {"html_block", "html_inline", "image"}, source
        if token.type == "link_open":
            assert urlsplit(str(token.attrs["href"])).scheme in {"http", "https", "mailto", "docs"}


@given(st.text())
def test_text_without_markup_keeps_its_letters(source: str) -> None:
    kept = escaped(visible(source)).replace("\\", "").replace("&amp;", "&")
    assert [c for c in kept if c.isalnum()] == [c for c in visible(source) if c.isalnum()]


@pytest.mark.parametrize(
    "hidden",
    ["\u200b", "\u202e", "\u2066", "\ufeff", "\U000e0041", "\ufe0f", "\x1b", "\x00", "\u00ad"],
)
def test_characters_no_reader_sees_are_dropped(hidden: str) -> None:
    assert visible(f"pay{hidden}ment") == "payment"


@pytest.mark.parametrize(
    "href",
    ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "file:///etc/passwd", "//evil.example",
     "vbscript:x", "https://a.example/)(", "http://a b", "ftp://a.example"],
)  # fmt: skip
def test_only_web_and_mail_addresses_stay_links(href: str) -> None:
    assert link("words", href) == "words"


def test_ordinary_addresses_stay_links() -> None:
    assert (
        link("w", "https://larkfield.example/a?b=1#c") == "[w](https://larkfield.example/a?b=1#c)"
    )
    assert link("w", "docs://policies/refund-policy") == "[w](docs://policies/refund-policy)"


@pytest.mark.parametrize(
    "html",
    ["<script>SECRET</script>", "<p hidden>SECRET</p>", "<!-- SECRET -->",
     "<p style='display : none'>SECRET</p>", "<span style='font-size:0'>SECRET</span>",
     "<svg><text>SECRET</text></svg>", "<template>SECRET</template>", "<p aria-hidden=true>SECRET</p>",
     "<img alt=SECRET src=x>", "<iframe srcdoc=SECRET></iframe>", "<style>SECRET</style>",
     "<div style='visibility:hidden'><p>SECRET</p></div>", "<noscript>SECRET</noscript>",
     "<![CDATA[SECRET]]>", "<?php SECRET ?>"],
)  # fmt: skip
def test_what_a_person_would_not_see_does_not_reach_a_model(html: str) -> None:
    found = blocks(f"<p>before</p>{html}<p>after</p>", lambda _: None)
    assert "SECRET" not in repr(found)
    assert [block.text for block in found if isinstance(block, Prose)] == ["before", "after"]


def test_headings_lists_tables_and_code_keep_their_shape() -> None:
    body = shown(
        "# T\n\n## H\n\n- a\n  - b\n\n| x | y |\n|---|---|\n| 1 | `2` |\n\n```py\n<b>\n```\n"
    )
    assert "## H\n\n- a\n   - b\n\n| x | y |\n|---|---|\n| 1 | `2` |\n\n```\n<b>\n```" in body


def test_a_heading_is_text_only() -> None:
    found = blocks("<h2>A <img src=x> [b](javascript:x)</h2>", lambda _: None)
    assert found == [Heading(2, "A [b](javascript:x)")]
    assert "\\[b\\](javascript:x)" in compose("T", [*found, Prose("x")]).body


@pytest.mark.parametrize("read", [plain_lines, passage], ids=["lines", "a passage"])
@pytest.mark.parametrize("part", ["\n", " \n", "`", "`` ", "[", "](", "\\`", "&"])
def test_a_text_made_to_be_slow_costs_little(read: Callable[[str], str], part: str) -> None:
    started = time.thread_time()
    read(part * (40_000 // len(part)))
    assert time.thread_time() - started < 1
