"""The measurement in short: the orderings that must hold, and what would show it to be rigged."""

import functools
from collections.abc import Mapping
from typing import Any

import pytest
from architecture.tree import ROOT, imports, python
from playbook.lint.sample import GOOD, SIBLING

from mcp_playbook.repair import parameters
from mcp_playbook.repair.__main__ import MEASURED, PAGE, RIGGED, main, of_listed
from mcp_playbook.repair.injector.dice import Dice
from mcp_playbook.repair.layers import LAYERS, Reply
from mcp_playbook.repair.measure import SETS, Measured, RiggedError, measure
from mcp_playbook.repair.report import as_json, gap
from mcp_playbook.repair.trial import NEVER_SAID, cases, played

MADE = parameters.load().shorter
ROOM = "playbook/src/mcp_playbook/repair/"


@functools.cache
def found(name: str) -> Measured:
    return measure(of_listed(ROOT), MADE, SETS[name])


@pytest.mark.parametrize("name", SETS)
def test_the_more_an_error_says_the_more_is_repaired(name: str) -> None:
    correct = {layer: found(name).share(layer, "correct") for layer in LAYERS}
    assert correct["bare"] < correct["first message"] < correct["structured"]
    assert correct["bare"] < correct["pydantic"] < correct["structured"]


@pytest.mark.parametrize("name", SETS)
def test_structured_errors_let_fewer_wrong_calls_through_than_words_do(name: str) -> None:
    wrong = {layer: found(name).share(layer, "accepted, but wrong") for layer in LAYERS}
    assert wrong["structured"] < wrong["first message"]
    assert wrong["structured"] < wrong["pydantic"]


@pytest.mark.parametrize("name", SETS)
def test_hints_that_are_false_lose_most_of_the_gain(name: str) -> None:
    """Else it would not be the hints that repair."""
    bare, false, full = (
        found(name).share(layer, "correct") for layer in ("bare", "false hints", "structured")
    )
    assert false - bare < 0.5 * (full - bare)


@pytest.mark.parametrize("name", SETS)
def test_a_layer_without_effect_gains_nothing(name: str) -> None:
    assert found(name).by_layer["no-op layer"] == found(name).by_layer["bare"]
    gained, chance = found(name).gain("no-op layer", "bare")
    assert (gained.value, gained.low, gained.high, chance) == (0, 0, 0, 1)


def test_what_nobody_said_is_never_won_and_is_not_rare() -> None:
    unwinnable = [case for case in found("known").cases if not case.winnable]
    assert 0.02 < len(unwinnable) / len(found("known").cases) < 0.10
    assert {case.mistakes[0] for case in unwinnable} > {NEVER_SAID}


def test_all_mistakes_nobody_prepared_for_are_met_and_reported_apart() -> None:
    met = {name: {one for case in found(name).cases for one in case.mistakes} for name in SETS}
    for name, mistakes in SETS.items():
        assert {one.__name__ for one in mistakes} <= met[name] | {"with_a_separator"}, name
    assert not {one.__name__ for one in SETS["known"]} & met["held-out"]
    assert gap({name: found(name) for name in SETS}) > 0


def test_the_same_seed_gives_the_same_calls_to_every_layer() -> None:
    tools = of_listed(ROOT)
    first = cases(tools, SETS["known"], MADE, 7)
    assert first == cases(tools, SETS["known"], MADE, 7)
    assert first != cases(tools, SETS["known"], MADE, 8)


def test_a_call_won_that_nobody_could_win_ends_the_measurement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def knows(_tool: str, schema: Mapping[str, Any]) -> Any:
        """A layer that looks at the seed's own right calls."""
        answers = {
            str(sorted(case.sent.items(), key=str)): case.right
            for seed in MADE.seeds
            for case in cases(tools, SETS["known"], MADE, seed)
            if case.schema == schema
        }
        return lambda sent: Reply(answers.get(str(sorted(sent.items(), key=str))))

    tools = of_listed(ROOT)
    monkeypatch.setattr("mcp_playbook.repair.measure.LAYERS", {**LAYERS, "knows": knows})
    with pytest.raises(RiggedError, match=r"knows: .* was won, and "):
        measure(tools, MADE, SETS["known"])


def test_a_layer_without_effect_that_has_one_ends_the_measurement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rigged = {**LAYERS, "no-op layer": LAYERS["structured"]}
    monkeypatch.setattr("mcp_playbook.repair.measure.LAYERS", rigged)
    with pytest.raises(RiggedError, match="without effect has one"):
        measure(of_listed(ROOT), MADE, SETS["known"])


def test_an_agent_that_changed_has_no_held_out_mistakes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parameters, "hash_of_agent", lambda: "another")
    assert main(["--short"]) == RIGGED
    assert "held out no more" in capsys.readouterr().err


def test_agent_injector_and_judge_know_nothing_of_each_other() -> None:
    """The agent knows replies alone: no schema, no validator, no mistakes, no right answers."""
    room = "mcp_playbook.repair"
    allowed = {
        "agent/": {f"{room}.agent"},
        "injector/": {f"{room}.injector"},
        "judge.py": set(),
        "layers.py": {f"{room}.injector.dice", f"{room}.injector.schema", "mcp_shared.validation"},
    }
    seen = set()
    for path in python(ROOM):
        part = next(
            (one for one in allowed if path.relative_to(ROOT).as_posix().startswith(ROOM + one)),
            None,
        )
        if part is None:
            continue
        seen.add(part)
        ours = {one for one in imports(path) if one.startswith(("mcp_", "jsonschema", "pydantic"))}
        if part == "layers.py":
            ours = {one for one in ours if one.startswith("mcp_")}
        for one in ours:
            assert any(one == ok or one.startswith(f"{ok}.") for ok in allowed[part]), (
                f"{path.relative_to(ROOT).as_posix()} imports {one}"
            )
    assert seen == set(allowed)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_right_call_is_accepted_by_every_layer(layer: str) -> None:
    tools = {"list_invoices": GOOD["inputSchema"], "get_invoice": SIBLING["inputSchema"]}
    for name, schema in tools.items():
        check = LAYERS[layer](name, schema)
        right = {"account": "A1"} if name == "list_invoices" else {"invoice": "I1"}
        assert check(right).accepted == right


def test_the_page_has_the_hashes_of_what_it_was_made_with() -> None:
    text = (ROOT / PAGE).read_text("utf-8")
    assert f"Parameters `{parameters.hash_of()[:16]}`" in text, "make eval-repair KEEP=1"
    assert f"agent `{parameters.hash_of_agent()[:16]}`" in text
    told = as_json({name: found(name) for name in SETS}, ("x", "y"))
    assert set(told["sets"]) == set(SETS)


def test_the_figures_are_printed_for_a_person_and_for_a_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--short", "--json"]) == MEASURED
    assert '"accepted, but wrong"' in capsys.readouterr().out


def test_a_trial_ends_when_there_is_nothing_more_to_try() -> None:
    tools = of_listed(ROOT)
    (case, *_) = cases(tools, SETS["known"], MADE, 3)
    ended = played(case, lambda _: Reply(None, "no"), rounds=9)
    assert ended.verdict == "given up"
    assert ended.rounds <= 2
    assert Dice(1, 2).below(10) == Dice(1, 2).below(10)
