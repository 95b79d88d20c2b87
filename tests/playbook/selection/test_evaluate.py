"""The evaluation passes ours, and notices when words get worse, prompts change or tools collide."""

import json
from pathlib import Path

import pytest
from architecture.tree import listed
from playbook.lint.sample import GOOD, SIBLING
from playbook.shop import ASKED, clone, pin, prompts, server, tools

from mcp_playbook.selection import evaluate
from mcp_playbook.selection.__main__ import FAILED, PASSED, USAGE, main

VAGUE = {"list_invoices": "List invoices.", "get_invoice": "Get an invoice."}


def test_our_descriptions_are_better_than_our_names() -> None:
    report = evaluate(list(listed().values()))
    assert report.passed, report.problems
    assert report.gain.low > 0
    assert report.p_value < 0.01
    assert report.whole.top_1.value > report.first_sentence.top_1.value > report.named.top_1.value
    assert report.whole.none_auc > 0.6
    assert 0 < report.overlap < 0.5, "prompts that share more words were made from the descriptions"


def test_a_good_server_passes_and_says_how_sure_that_is(tmp_path: Path) -> None:
    report = evaluate([server(tmp_path / "billing", ASKED)])
    assert report.passed, report.problems
    assert (len(report.whole.hits), len(report.whole.cases)) == (6, 7)
    assert "of 6 prompts" in report.summary
    assert report.whole.top_1.low <= report.whole.top_1.value <= report.whole.top_1.high


def test_words_that_say_no_more_than_names_fail(tmp_path: Path) -> None:
    folder = server(tmp_path / "billing", ASKED)
    bare = [{"name": name, "description": text, "inputSchema": {}} for name, text in VAGUE.items()]
    pin(folder, bare)
    report = evaluate([folder])
    assert not report.passed
    assert "not shown to be better than names" in report.summary


def test_two_tools_confused_more_often_than_accepted_fail(tmp_path: Path) -> None:
    """Their texts exchanged: prompts that were found find the other one."""
    folder = server(tmp_path / "billing", ASKED)
    assert evaluate([folder], accept=True).passed
    exchanged = tools(list_invoices=SIBLING["description"], get_invoice=GOOD["description"])
    pin(folder, exchanged)
    report = evaluate([folder])
    told = "billing_get_invoice is now taken for billing_list_invoices: 'What exactly was charged"
    assert any(told in problem for problem in report.problems)
    assert not evaluate([folder], accept=True).worse, "accepted now; the gain still has to be there"


def test_a_tool_of_another_server_that_takes_prompts_away_fails(tmp_path: Path) -> None:
    folder = server(tmp_path / "billing", ASKED)
    evaluate([folder], accept=True)
    other = server(tmp_path / "archive")
    pin(other, [{**SIBLING, "name": "find_bill", "title": "Find a bill: overdue, owed or billed"}])
    report = evaluate([folder, other])
    assert any("now taken for archive_find_bill" in problem for problem in report.problems)
    assert report.without == ["archive"]


def test_a_server_alone_is_told_which_prompts_of_others_it_takes(tmp_path: Path) -> None:
    """And nothing of what the others confuse among themselves."""
    folder = server(tmp_path / "billing", ASKED)
    evaluate([folder], accept=True)
    other = server(tmp_path / "archive")
    pin(other, [{"name": "ping", "description": "Ping.", "inputSchema": {}}])
    exchanged = tools(list_invoices=SIBLING["description"], get_invoice=GOOD["description"])
    pin(folder, exchanged)
    assert not evaluate([folder, other], only="archive").worse
    pin(folder, tools())
    pin(other, [{**SIBLING, "name": "find_bill", "title": "Find a bill: overdue, owed or billed"}])
    report = evaluate([folder, other], only="archive")
    assert {one.server for one in report.worse} == {"billing"}
    assert all("now taken for archive_find_bill" in one.what for one in report.worse)
    assert set(report.problems) > {one.what for one in report.worse}


def test_what_would_accept_it_is_said_with_what_it_writes(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["billing", "--accept"]) == PASSED
    taker = {**SIBLING, "name": "find_bill", "title": "Find a bill: overdue, owed or billed"}
    pin(here / "servers/archive", [taker])
    assert main(["archive"]) == FAILED
    printed = " ".join(capsys.readouterr().out.split())
    assert "python -m mcp_playbook.selection billing --accept That writes selection.lock" in printed
    main(["billing", "--accept"])
    main(["archive"])
    assert "is now taken for" not in capsys.readouterr().out


def test_a_prompt_that_was_lost_before_and_finds_another_wrong_tool_makes_nothing_worse(
    tmp_path: Path,
) -> None:
    """A new server draws the prompts nobody answered well; that alone is no step back."""
    folder = server(tmp_path / "billing", ASKED)
    lost = ("Has that one been paid, and when?", "billing_get_invoice")
    before = evaluate([folder], accept=True).whole.misses
    assert [(one.ask, one.answer, one.chosen) for one in before] == [
        (*lost, "billing_list_invoices")
    ]
    other = server(tmp_path / "books")
    pin(other, [{"name": "has_been_paid", "description": "Paid.", "inputSchema": {}}])
    after = evaluate([folder, other])
    assert [(one.ask, one.answer, one.chosen) for one in after.whole.misses] == [
        (*lost, "books_has_been_paid")
    ]
    assert not after.worse


def test_prompts_that_changed_since_they_were_accepted_fail(tmp_path: Path) -> None:
    """Who edits the prompts can make any description pass, so that is for somebody to look at."""
    folder = server(tmp_path / "billing", ASKED)
    evaluate([folder], accept=True)
    assert evaluate([folder]).passed
    easier = [(ask.replace("bills", "invoices"), tool, near) for ask, tool, near in ASKED]
    (folder / "prompts.toml").write_text(prompts(easier), "utf-8")
    assert "the prompts of billing are others" in evaluate([folder]).summary


def test_a_set_with_few_near_misses_or_none_prompts_fails(tmp_path: Path) -> None:
    easy = [(ask, tool, False) for ask, tool, _ in ASKED if tool != "none"]
    told = evaluate([server(tmp_path / "billing", easy)]).problems
    assert any("near misses, not 30%" in one for one in told)
    assert any("for no tool, not 10%" in one for one in told)


def test_a_server_without_prompts_is_said_not_to_have_any(tmp_path: Path) -> None:
    report = evaluate([server(tmp_path / "billing")])
    assert (report.passed, report.summary) == (False, "no prompts for billing")
    assert report.as_json()["selectors"]["bm25, whole text"]["top_1"]["value"] is None


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    clone(tmp_path, "billing", "archive")
    server(tmp_path / "servers/billing", ASKED)
    server(tmp_path / "servers/archive")
    pin(tmp_path / "servers/archive", [{"name": "ping", "inputSchema": {}}])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACK_ROOT", raising=False)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_the_command_says_what_its_figures_do_not_claim(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == PASSED
    printed = " ".join(capsys.readouterr().out.split())
    assert "archive: no prompts" in printed
    assert "how often an agent completes a task" in printed
    assert "have one author" in printed
    assert "p = " in printed
    assert "Words of a prompt that its tool's text has" in printed


def test_the_command_fails_on_what_got_worse(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--accept"]) == PASSED
    exchanged = tools(list_invoices=SIBLING["description"], get_invoice=GOOD["description"])
    pin(here / "servers/billing", exchanged)
    assert main([]) == FAILED
    assert "is now taken for" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_the_command_gives_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["billing", "--json"]) == PASSED
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["answerable"], told["servers"]) == (True, 6, ["billing"])
    assert set(told["selectors"]["bm25, whole text"]) == {
        "top_1", "recall_at_3", "near_miss_top_1", "none_auc",
    }  # fmt: skip


def test_what_cannot_be_used_is_told_and_not_judged(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive"]) == FAILED
    assert main(["nobody"]) == USAGE
    (here / "servers/billing/selection.lock.json").write_text("{}", "utf-8")
    assert main([]) == USAGE
    assert "--accept" in capsys.readouterr().err
    assert main(["--accept"]) == PASSED
