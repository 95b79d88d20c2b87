"""Whoever looks for why something is as it is finds the page from the index."""

import re

from architecture.tree import ROOT


def test_every_decision_is_in_the_index_under_its_number() -> None:
    folder = ROOT / "playbook" / "decisions"
    listed = re.findall(
        r"\[(\d+)\]\((\d{4})(-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text("utf-8")
    )
    pages = {path.name for path in folder.glob("0*.md")}
    assert {number + name for _, number, name in listed} == pages
    assert all(int(said) == int(number) for said, number, _ in listed)
    for name in pages:
        title = (folder / name).read_text("utf-8").partition("\n")[0]
        assert title.startswith(f"# {int(name[:4])}. "), name
