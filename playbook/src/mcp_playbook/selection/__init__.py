"""Whether the right tool is found for what people ask: prompts, a selector, and figures."""

from collections.abc import Sequence
from pathlib import Path

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.sources import of_folder
from mcp_playbook.selection import accepted, prompts
from mcp_playbook.selection.accepted import Worse
from mcp_playbook.selection.candidates import Candidate, first_sentence, named, whole
from mcp_playbook.selection.measured import Case, cases, measure, overlap
from mcp_playbook.selection.report import Report
from mcp_playbook.selection.selector import Bm25


def evaluate(folders: Sequence[Path], *, only: str | None = None, accept: bool = False) -> Report:
    """Ask each prompt of the servers in these folders; the tools of all are to choose from.

    `only`: one server's prompts, and those of others that its tools take away from theirs.
    `accept`: write down which tools are confused, to compare with.

    Raises:
        PromptsError: a prompts.toml or what was accepted of it cannot be used.
        SourceError: a server has no lock file.

    """
    tools: list[Candidate] = []
    asked: dict[str, list[Case]] = {}
    others: dict[str, list[Case]] = {}
    for folder in folders:
        own = [Definition(tool) for tool in of_folder(folder).tools]
        tools += [Candidate(folder.name, tool) for tool in own]
        found = prompts.load(folder, (tool.name for tool in own))
        ours = only in (None, folder.name)
        (asked if ours else others)[folder.name] = cases(folder.name, found)
    everything = [case for found in asked.values() for case in found]
    result = measure(Bm25(whole), everything, tools)
    elsewhere = measure(Bm25(whole), [case for found in others.values() for case in found], tools)
    worse: list[Worse] = []
    for folder in folders:
        if asked.get(folder.name):
            if accept:
                accepted.write(folder, folder.name, result)
            worse += accepted.worse(folder, folder.name, result)
        elif others.get(folder.name):
            worse += accepted.worse(folder, folder.name, elsewhere, taker=only)
    return Report(
        servers=[name for name, found in asked.items() if found],
        without=[name for name, found in asked.items() if not found],
        whole=result,
        named=measure(Bm25(named), everything, tools),
        first_sentence=measure(Bm25(first_sentence), everything, tools),
        overlap=overlap(everything, tools),
        worse=worse,
    )
