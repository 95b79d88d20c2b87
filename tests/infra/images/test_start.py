"""What runs in a container before the room does."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from in_image import start

SECRET = "postgresql://audit_writer:s3cr3t-word@db/ledger"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    return folder


def test_a_file_named_like_a_variable_becomes_it(secrets: Path, tmp_path: Path) -> None:
    (secrets / "GATEWAY_LEDGER_URL").write_text(SECRET + "\n")
    environ = {"PATH": "/bin"}
    start.hand_over(secrets, tmp_path / "keys", environ)
    assert environ == {"PATH": "/bin", "GATEWAY_LEDGER_URL": SECRET}
    assert not (tmp_path / "keys").exists()


def test_any_other_file_is_a_key_and_only_its_owner_reads_the_copy(
    secrets: Path, tmp_path: Path
) -> None:
    (secrets / "ledger.pem").write_bytes(b"\x00key")
    (secrets / "ledger.pem").chmod(0o444)
    keys = tmp_path / "deep" / "keys"
    for _ in range(2):  # a container is restarted, its memory stays
        start.hand_over(secrets, keys, {})
    copy = keys / "ledger.pem"
    assert copy.read_bytes() == b"\x00key"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700


def test_what_kubernetes_puts_beside_its_secrets_is_passed_over(
    secrets: Path, tmp_path: Path
) -> None:
    real = secrets / "..2026_11_25"
    real.mkdir()
    (real / "CRM_TOKEN").write_text("word")
    (secrets / "..data").symlink_to(real)
    (secrets / "CRM_TOKEN").symlink_to(Path("..data") / "CRM_TOKEN")
    environ: dict[str, str] = {}
    start.hand_over(secrets, tmp_path / "keys", environ)
    assert environ == {"CRM_TOKEN": "word"}


def test_without_secrets_nothing_is_handed_over(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    start.hand_over(tmp_path / "none", tmp_path / "keys", environ)
    assert environ == {}


@pytest.mark.parametrize("content", [b"", b"\n", b"half\0", b"\xff\xfe"])
def test_a_secret_that_is_empty_or_no_text_stops_the_start(
    secrets: Path, tmp_path: Path, content: bytes
) -> None:
    (secrets / "CRM_TOKEN").write_bytes(content)
    with pytest.raises(start.UnusableError, match="CRM_TOKEN"):
        start.hand_over(secrets, tmp_path / "keys", {})


def test_a_secret_in_two_places_stops_the_start_and_is_not_repeated(
    secrets: Path, tmp_path: Path
) -> None:
    (secrets / "CRM_TOKEN").write_text("word-in-the-file")
    with pytest.raises(start.UnusableError, match="keep one") as refused:
        start.hand_over(secrets, tmp_path / "keys", {"CRM_TOKEN": "word-in-the-environment"})
    assert "word" not in str(refused.value)


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False, capture_output=True, text=True, timeout=30, env={**os.environ},
    )  # fmt: skip


def test_the_module_sees_its_arguments_and_the_secret_is_not_in_proc(
    secrets: Path, tmp_path: Path
) -> None:
    """P02: /proc shows the environment a process was started with."""
    (secrets / "CRM_TOKEN").write_text("canary-4711")
    (tmp_path / "room.py").write_text(
        "import os, sys\n"
        "print(sys.argv[1:], os.environ['CRM_TOKEN'], __name__)\n"
        "print('canary' in open('/proc/self/environ').read())\n"
        if sys.platform == "linux"
        else "import os, sys\nprint(sys.argv[1:], os.environ['CRM_TOKEN'], __name__)\nprint(False)\n"
    )
    done = run(
        "import sys; from pathlib import Path; from in_image import start;"
        "start.SECRETS, start.KEYS = Path(sys.argv[1]), Path(sys.argv[2]);"
        "sys.path.insert(0, sys.argv[3]); start.main(['-m', 'room', '--scale', '1'])",
        str(secrets), str(tmp_path / "keys"), str(tmp_path),
    )  # fmt: skip
    assert done.stdout == "['--scale', '1'] canary-4711 __main__\nFalse\n", done.stderr


def test_without_a_module_it_says_what_is_needed() -> None:
    done = run("from in_image import start; start.main(['gateway'])")
    assert done.returncode == start.UNUSABLE
    assert "-m MODULE is needed" in done.stderr


def test_a_refusal_ends_the_process_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "CRM_TOKEN").write_text("")
    done = run(
        "import sys; from pathlib import Path; from in_image import start;"
        "start.SECRETS = Path(sys.argv[1]); start.main(['-m', 'this'])",
        str(tmp_path),
    )
    assert done.returncode == start.UNUSABLE
    assert done.stderr == f"start: {tmp_path / 'CRM_TOKEN'}: is empty, or no text\n"
