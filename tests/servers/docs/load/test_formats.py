from mcp_docs.load.blocks import Heading, blocks
from mcp_docs.load.formats import restructuredtext


def texts(source: str) -> str:
    return "\n".join(block.text for block in blocks(restructuredtext(source), lambda _: None))


def test_restructuredtext_reads_no_file_and_passes_no_html_on() -> None:
    found = texts(
        "Title\n=====\n\nBefore.\n\n.. include:: /etc/passwd\n\n.. literalinclude:: /etc/passwd\n\n"
        ".. csv-table:: t\n   :file: /etc/passwd\n\n.. raw:: html\n\n   <script>alert(1)</script>\n\n"
        ".. image:: http://evil.example/x.png\n   :alt: look\n\nAfter.\n"
    )
    assert "Before." in found
    assert "After." in found
    for trace in ("root:", "alert", "evil", "look"):
        assert trace not in found


def test_sphinx_roles_and_directives_keep_their_words() -> None:
    found = texts(
        "Use :class:`~django.db.models.Model` and :ref:`the guide <guide>`.\n\n"
        ".. versionadded:: 5.1\n\n   It can **wait**.\n\n.. code-block:: python\n\n   x = 1\n\n"
        ".. setting:: DEBUG\n\n.. note::\n\n   Mind the gap.\n\n.. unheard-of::\n\n   gone\n"
    )
    for words in ("`Model`", "`the guide`", "It can **wait**.", "x = 1", "Mind the gap."):
        assert words in found
    assert "System Message" not in found


def test_sections_become_headings_by_depth() -> None:
    html = restructuredtext("A\n=\n\ntext\n\nB\n-\n\ntext\n\nC\n-\n\ntext\n")
    levels = [(b.level, b.text) for b in blocks(html, lambda _: None) if isinstance(b, Heading)]
    assert [name for _, name in levels] == ["A", "B", "C"]
    assert levels[0][0] < levels[1][0] == levels[2][0]


def test_a_javascript_link_is_only_its_words() -> None:
    assert texts("See `here <javascript:alert(1)>`_ now.") == "See here now."
