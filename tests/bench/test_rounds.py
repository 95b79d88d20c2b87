import os
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from bench.measured import Load
from bench.parts import cores, part, pinned
from bench.rounds import WrongAnswersError, insist
from bench.test_report import turn


def load_with(failed: int) -> Load:
    made = turn("gateway", 8, 0.2, 1.0).load
    return replace(made, failed=failed, problems=("503 away",))


def test_few_failures_are_counted_and_many_stop_the_run() -> None:
    insist("gateway", load_with(5))
    with pytest.raises(WrongAnswersError, match="6 of 1000 failed"):
        insist("gateway", load_with(6))


def test_a_part_is_accounted_for_with_its_children_and_ends_with_its_context(
    tmp_path: Path,
) -> None:
    # more than is waited for: the kernel tells user and system time in whole hundredths, cut off
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {burn + 'time.sleep(60)'!r}])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with part("parent", [sys.executable, "-c", code], tmp_path) as parent:
        while parent.cpu_seconds() < 0.2:
            assert parent.process.poll() is None
        both = [psutil.Process(pid) for pid in (parent.process.pid, int(parent.last_words()))]
    _, alive = psutil.wait_procs(both, timeout=5)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no cores to choose here")
def test_the_subject_has_a_core_of_its_own_where_there_are_two() -> None:
    subject, others = cores()
    before = os.sched_getaffinity(0)
    assert subject | others == before
    assert len(before) == 1 or not subject & others
    with pinned(subject):
        assert os.sched_getaffinity(0) == subject
    assert os.sched_getaffinity(0) == before
