"""A foreign server runs without network, files and secrets, or not at all."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.record import Source
from mcp_playbook.vet.sealed import inside, seal, take
from mcp_playbook.vet.sealed.seal import Command, interpreter

SERVER = Path(__file__).parent / "foreign_server.py"


def has_namespaces() -> bool:
    unshare = shutil.which("unshare")
    words = ["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "true"]
    return (
        bool(unshare)
        and subprocess.run([str(unshare), *words], check=False, capture_output=True).returncode == 0
    )


needs_namespaces = pytest.mark.skipif(
    not has_namespaces(), reason="NOT TESTED: this machine has no namespaces"
)


def command(folder: Path, how: str, *more: str) -> Command:
    """The foreign server in a folder of its own, as an installed package would be."""
    own = folder / "package"
    own.mkdir(exist_ok=True)
    shutil.copy(SERVER, own / "server.py")
    return Command([str(interpreter()), str(own / "server.py"), how, *more], [own])


async def ask(folder: Path, how: str, *more: str, seconds: float = 20.0) -> Source:
    return await take.ask(command(folder, how, *more), str(folder), seconds=seconds)


def running(folder: Path) -> set[str]:
    """Processes of this machine that run the foreign server of a folder."""
    found = set()
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                words = (one / "cmdline").read_bytes()
            except OSError:
                continue
            if f"{folder}/package/server.py".encode() in words:
                found.add(one.name)
    return found


@needs_namespaces
async def test_it_is_asked_for_its_tools_as_it_sends_them(tmp_path: Path) -> None:
    found = await ask(tmp_path, "well")
    (server,) = found.data["servers"]
    assert (server["name"], server["protocolVersion"]) == ("foreign", "2025-06-18")
    assert server["tools"][0]["x-note"] == "kept", "also keys the SDK's models do not know"
    assert found.data["strangers"] == []


@needs_namespaces
async def test_it_sees_no_network_no_files_no_secrets_and_no_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("token")
    monkeypatch.setenv("MCP_TOKEN", "token")
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        found = await ask(tmp_path, "looks", str(secret), str(port))
    finally:
        listening.close()
        await listening.wait_closed()
    seen: dict[str, Any] = found.data["servers"][0]["tools"][0]["x-seen"]
    assert seen.pop("environment") == ["HOME", "LANG", "PATH", "TMPDIR"]
    assert seen.pop("interfaces") == ["lo"]
    assert seen.pop("processes") == [1]
    assert seen.pop("rights") == 0
    assert seen.pop("writes_tmp") is True
    seen.pop("writes")  # into an empty /tmp of its own, as the next lines prove
    assert seen == dict.fromkeys(seen, False)
    assert not (tmp_path / "left-behind").exists()
    assert not (tmp_path / "package" / "left-behind").exists()


@needs_namespaces
@pytest.mark.parametrize(
    ("how", "word", "seconds"),
    [
        ("dies", "API_KEY is not set", 20),
        ("hangs", "did not answer within 1 s", 1),
        ("floods", "more than 8 MiB", 20),
        ("floods lines", "more than 8 MiB", 20),
        ("junk alone", "no JSON-RPC: 'Server starting on port 3000...'", 1.5),
        ("answers twice", "answered tools/list 2 times", 20),
        ("pages", "more than 50 pages", 20),
        ("eats memory", "MemoryError", 20),
    ],
)
async def test_one_that_misbehaves_is_ended_and_the_report_says_how(
    tmp_path: Path, how: str, word: str, seconds: float
) -> None:
    with pytest.raises(NotHadError) as raised:
        await ask(tmp_path, how, seconds=seconds)
    assert word in str(raised.value)
    assert not running(tmp_path)


@needs_namespaces
async def test_junk_beside_the_answer_is_noted(tmp_path: Path) -> None:
    found = await ask(tmp_path, "junk")
    assert found.data["strangers"] == ["Server starting on port 3000..."]
    assert found.data["servers"][0]["tools"]


@needs_namespaces
async def test_nothing_is_left_running(tmp_path: Path) -> None:
    await ask(tmp_path, "well")
    assert not running(tmp_path)


async def test_without_unshare_it_is_not_run_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotHadError, match=r"only inside namespaces.*unshare"):
        await ask(tmp_path, "well")


async def test_where_namespaces_are_refused_it_is_not_run_bare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on machines that forbid them to ordinary users: unshare fails, and nothing runs instead."""
    (tmp_path / "unshare").write_text(
        "#!/bin/sh\necho 'unshare: Operation not permitted' >&2\nexit 1\n"
    )
    (tmp_path / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(NotHadError, match=r"only inside namespaces.*not permitted"):
        await ask(tmp_path, "well")


async def test_an_unshare_that_makes_no_namespace_starts_nothing_foreign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part inside looks for itself: with the network still there it ends before the server begins."""
    (tmp_path / "unshare").write_text(
        '#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift\nexec "$@"\n'
    )
    (tmp_path / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(
        NotHadError, match=r"only inside namespaces.*(network is still there|not sealed)"
    ):
        await ask(tmp_path, "well")


def test_words_reach_the_server_as_they_are(tmp_path: Path) -> None:
    """No shell takes part: what a package is called or given cannot become a command."""
    words = seal.sealed(Command(["/bin/echo", "$(id); `id` && id"], []), tmp_path)
    assert words[0].endswith("/unshare")
    assert "$(id); `id` && id" in words[-1]
    assert not {"sh", "bash", "-c"} & {Path(word).name for word in words}


def test_the_part_inside_needs_the_standard_library_alone() -> None:
    done = subprocess.run(
        [str(interpreter()), "-I", "-S", inside.__file__, "{}"],
        check=False,
        capture_output=True,
        text=True,
        env={},
    )
    assert done.returncode == inside.REFUSED
    assert "not sealed" in done.stderr


def test_the_interpreter_of_the_seal_is_not_the_environment_s() -> None:
    assert interpreter().is_file()
    assert not str(interpreter()).startswith(str(Path(sys.prefix)) + os.sep)
