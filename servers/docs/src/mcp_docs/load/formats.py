"""Markdown and reStructuredText to HTML, without whatever reaches outside the text.

Pure: no clock, no network, no files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from docutils import nodes
from docutils.core import publish_parts
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.states import Inliner
from docutils.utils import SystemMessage
from markdown_it import MarkdownIt

from mcp_docs.load.front_matter import PageError

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

# What Sphinx and Django add to reStructuredText: bodies are kept as text, arguments as a name.
# fmt: off
_ROLES = (
    "any", "attr", "class", "command", "confval", "cve", "data", "dfn", "djadmin", "djadminopt",
    "doc", "envvar", "exc", "file", "func", "guilabel", "kbd", "keyword", "lookup", "makevar",
    "manpage", "menuselection", "meth", "mimetype", "mod", "numref", "obj", "option", "pep",
    "program", "ref", "regexp", "rfc", "samp", "setting", "source", "term", "tfilter", "ticket",
    "token", "ttag", "type",
)
_CONTAINERS = (
    "attribute", "centered", "class", "classmethod", "console", "content-tabs", "data", "decorator",
    "deprecated", "describe", "django-admin", "django-admin-option", "exception", "field",
    "fieldlookup", "function", "glossary", "hlist", "method", "module", "only", "rst-class",
    "seealso", "setting", "staticmethod", "templatefilter", "templatetag", "versionadded",
    "versionchanged", "versionremoved",
)
_LITERALS = ("code-block", "sourcecode", "highlight", "prompt", "snippet", "doctest", "testcode")
_NOTHING = (
    "autoattribute", "autoclass", "automodule", "currentmodule", "default-domain", "figure",
    "highlightlang", "image", "include", "index", "literalinclude", "raw", "tabularcolumns",
    "toctree",
)
# fmt: on

_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "warning_stream": False,
    "syntax_highlight": "none",
    "math_output": "LaTeX",
    "embed_stylesheet": False,
    "stylesheet_path": "",
    "doctitle_xform": False,
    "sectsubtitle_xform": False,
    "initial_header_level": 1,
    "smart_quotes": False,
    "line_length_limit": 20_000,
    "pep_references": False,
    "rfc_references": False,
}


class _Container(Directive):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = None

    def run(self) -> list[nodes.Node]:
        block = nodes.container()
        if self.arguments:
            block += nodes.paragraph("", "", nodes.literal("", self.arguments[0]))
        self.state.nested_parse(self.content, self.content_offset, block)
        return [block]


class _Literal(Directive):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text)] if text else []


class _Nothing(Directive):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        return []


def _role(  # docutils calls with these
    _name: str,
    rawtext: str,
    text: str,
    _lineno: int,
    _inliner: Inliner,
    _options: Mapping[str, Any] | None = None,
    _content: Sequence[str] = (),
) -> tuple[list[Any], list[Any]]:
    """`words <target>` keeps the words, `~a.b.c` the last name."""
    words = text.partition(" <")[0] if text.endswith(">") else text
    words = words.rpartition(".")[2] if words.startswith("~") else words
    return [nodes.literal(rawtext, words.lstrip("!"))], []


def _register() -> None:
    for name in _ROLES:
        roles.register_local_role(name, _role)
    for names, directive in (
        (_CONTAINERS, _Container),
        (_LITERALS, _Literal),
        (_NOTHING, _Nothing),
    ):
        for name in names:
            directives.register_directive(name, directive)


_register()


def markdown(text: str) -> str:
    return str(_MARKDOWN.render(text))


def restructuredtext(text: str) -> str:
    try:
        parts = publish_parts(text, writer="html5", settings_overrides=_SETTINGS)
    except SystemMessage as error:
        raise PageError(f"it is not reStructuredText: {error}") from error
    return str(parts["html_body"])
