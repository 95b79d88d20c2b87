"""What BM25 reads of a tool, what it does not, and when it finds none."""

from playbook.lint.sample import GOOD, SIBLING, bent, said

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.words import content
from mcp_playbook.selection.candidates import Candidate, first_sentence, named, whole
from mcp_playbook.selection.selector import Bm25

TOOLS = [Candidate("billing", Definition(one)) for one in (GOOD, SIBLING)]


def chosen(prompt: str, tools: list[Candidate] = TOOLS) -> str | None:
    ranking = Bm25().choose(prompt, tools)
    return ranking[0].name if ranking else None


def test_the_tool_whose_words_are_asked_for_comes_first() -> None:
    assert chosen("Which accounts are overdue?") == "billing_list_invoices"
    assert chosen("What was charged on a single bill?") == "billing_get_invoice"


def test_without_one_known_word_there_is_no_choice() -> None:
    assert chosen("Will it rain tomorrow?") is None
    assert chosen("") is None
    assert chosen("the of and") is None


def test_only_tools_with_a_word_of_the_prompt_are_ranked() -> None:
    ranking = Bm25().choose("overdue", TOOLS)
    assert ranking is not None
    assert [one.name for one in ranking] == ["billing_list_invoices"]
    assert ranking[0].score > 0


def test_what_a_tool_is_not_for_does_not_attract() -> None:
    denying = said("Not for:", "Not for: payroll and salaries;")
    tools = [Candidate("billing", Definition(denying)), TOOLS[1]]
    assert chosen("salaries of payroll", tools) is None


def test_what_is_said_of_arguments_attracts() -> None:
    assert "overdue" in whole(Definition(GOOD))
    described = bent("inputSchema.properties.account.description", "The debtor's number.")
    assert chosen("debtor", [Candidate("billing", Definition(described)), TOOLS[1]]) is not None


def test_the_texts_to_compare_with_hold_less_and_less() -> None:
    tool = Definition(GOOD)
    assert named(tool) == content("list_invoices List invoices")
    assert set(named(tool)) < set(first_sentence(tool)) < set(whole(tool))


def test_equal_scores_are_ordered_by_name() -> None:
    twins = [Candidate(server, Definition(GOOD)) for server in ("b", "a")]
    ranking = Bm25().choose("invoices", twins)
    assert ranking is not None
    assert [one.name for one in ranking] == ["a_list_invoices", "b_list_invoices"]


def test_words_are_compared_without_case_plural_and_underscore() -> None:
    assert content("listInvoices of HTTPServer_keys, policies") == [
        "list", "invoice", "http", "server", "key", "policy",
    ]  # fmt: skip
