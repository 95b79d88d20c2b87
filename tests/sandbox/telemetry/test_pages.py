"""The pages: who called what, and where the time went. Texts of others stay texts."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

from sandbox.telemetry.sent import Standin, span

from mcp_local.ports import free_port

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


async def test_the_list_names_person_tool_time_and_how_it_ended() -> None:
    standin = Standin()
    await standin.spans(
        span(name="tools/call crm_get_account", enduser__id="ana", ms=(0, 37)),
        span(number=2, parent=1, name="GET", ms=(5, 20)),
    )
    await standin.spans(span(trace=2, enduser__id="dee", mcp_gateway__status="refused"))
    await standin.spans(span(trace=3, failed=True, error__type="timed_out"))
    own = "service-account-http://localhost:8080/servers/crm/mcp"
    await standin.spans(span(trace=4, name="tools/list", enduser__id=own))
    text = (await standin.http.get("/")).text
    for shown in ("ana", "37.0", "dee", "refused", "timed_out", "(the gateway itself)"):
        assert f">{shown}</td>" in text, shown
    assert ">tools/call crm_get_account</a>" in text
    assert text.index("timed_out") < text.index("ana"), "the latest comes first"


async def test_a_trace_is_a_waterfall_of_every_span_once() -> None:
    standin = Standin()
    await standin.spans(
        span(number=3, parent=2, name="SELECT", ms=(50, 100)),
        span(number=2, parent=1, name="get_account", ms=(25, 100)),
        span(number=1, name="top", ms=(0, 100), failed=True),
    )
    text = (await standin.http.get(f"/trace/{1:032x}")).text
    order = [text.index(f">{name}</summary>") for name in ("top", "get_account", "SELECT")]
    assert order == sorted(order)
    for depth, left, width in ((0, 0, 1000), (1, 250, 750), (2, 500, 500)):
        assert f'class="depth-{depth}"' in text
        assert f'x="{left}" y="1" width="{width}"' in text


async def test_spans_whose_parents_are_missing_or_circular_are_shown_too() -> None:
    standin = Standin()
    await standin.spans(
        span(number=1, parent=2, name="one"), span(number=2, parent=1, name="two"),
        span(number=3, parent=99, name="orphan"), span(number=4, parent=4, name="own parent"),
    )  # fmt: skip
    text = (await standin.http.get(f"/trace/{1:032x}")).text
    for name in ("one", "two", "orphan", "own parent"):
        assert text.count(f">{name}</summary>") == 1
    await standin.spans(span(trace=2, number=1, parent=1, name="alone in a circle"))
    assert "alone in a circle" in (await standin.http.get("/")).text


async def test_hostile_names_and_values_are_escaped_and_could_not_run() -> None:
    standin = Standin()
    hostile = span(name=HOSTILE, enduser__id=HOSTILE, gen_ai__tool__name=HOSTILE, note=HOSTILE)
    await standin.spans(hostile, service=HOSTILE)
    for path in ("/", f"/trace/{1:032x}"):
        answer = await standin.http.get(path)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "&lt;script&gt;" in answer.text
        assert "49" not in answer.text, "a template in a name was run"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy


async def test_the_pages_load_nothing_from_elsewhere_and_their_style_is_there() -> None:
    standin = Standin()
    await standin.spans(span())
    for path in ("/", f"/trace/{1:032x}"):
        text = (await standin.http.get(path)).text
        assert "://" not in text
        assert "style=" not in text
    assert (await standin.http.get("/static/style.css")).status_code == 200
    assert "make demo" in (await Standin().http.get("/")).text
    assert (await standin.http.get(f"/trace/{9:032x}")).status_code == 404


async def test_times_that_no_calendar_has_are_shown_all_the_same() -> None:
    standin = Standin()
    strange = span()
    strange.start_time_unix_nano, strange.end_time_unix_nano = 2**64 - 1, 0
    await standin.spans(strange)
    for path in ("/", f"/trace/{1:032x}"):
        assert (await standin.http.get(path)).status_code == 200


def test_the_process_answers_on_loopback_and_nowhere_else() -> None:
    port = free_port()
    command = [sys.executable, "-m", "sandbox_telemetry"]
    env = {**os.environ, "TELEMETRY_PORT": str(port)}
    for wrong in (
        {"TELEMETRY_HOST": "0.0.0.0"},
        {"TELEMETRY_PROFILE": "production"},
        {"TELEMETRY_PORT": "x"},
    ):
        refused = subprocess.run(
            command, check=False, env=env | wrong, capture_output=True, text=True, timeout=30
        )
        assert refused.returncode == 2
        assert next(iter(wrong)) in refused.stderr
        assert "Traceback" not in refused.stderr
    with subprocess.Popen(command, env=env) as process:
        try:
            assert answers(f"http://127.0.0.1:{port}/healthz")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def answers(url: str) -> bool:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            time.sleep(0.1)
    return False
