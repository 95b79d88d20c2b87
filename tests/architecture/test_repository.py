"""What must not be in the repository, and what must be true of its files as text."""

import re

from architecture.tree import ROOT, files, python

TEXT = {
    ".py", ".md", ".toml", ".yaml", ".yml", ".json", ".sql", ".html", ".css", ".lock", ".txt", "",
    ".Dockerfile", ".tf", ".hcl", ".sh", ".jinja",
}  # fmt: skip
# assembled, so that this file does not contain what it forbids
REGISTRIES = ["py" + "pi.org", "files.python" + "hosted.org", "registry.npm" + "js.org"]
MACHINE_PATHS = ["/" + "work/", "/" + "home/", "/" + "Users/", "/" + "root/"]


def texts() -> dict[str, str]:
    found = {}
    for path in files():
        if path.suffix in TEXT and "vendor" not in path.parts and path.is_file():
            found[path.relative_to(ROOT).as_posix()] = path.read_text("utf-8")
    return found


def test_no_package_registry_is_named() -> None:
    """Packages come from the index a machine is configured with."""
    for name, text in texts().items():
        assert not [host for host in REGISTRIES if host in text], name


def test_no_path_of_somebodys_machine() -> None:
    for name, text in texts().items():
        assert not [path for path in MACHINE_PATHS if path in text], name


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    pins = re.findall(r"^[A-Za-z0-9_.-]+(?:\[[^]]*\])?==", lock, re.MULTILINE)
    assert len(pins) > 50
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "uv.lock" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_no_name_that_is_banned_is_used() -> None:
    """Naive time, and a JOSE module its own authors gave up."""
    banned = re.compile(r"\butcnow\(|\bauthlib\.jose\b|\bpython-jose\b|\byaml\.load\((?!.*_Plain)")
    for path in python("shared/src", "gateway/src", "servers", "infra", "playbook"):
        found = banned.search(path.read_text("utf-8"))
        assert not found, f"{path.relative_to(ROOT)}: {found and found[0]}"


def test_nothing_prints_on_stdout_where_json_rpc_lives() -> None:
    for name, text in texts().items():
        if re.match(r"(?:shared|gateway|servers/\w+)/src/.*\.py$", name):
            lines = [line for line in text.splitlines() if re.match(r"\s*print\(", line)]
            allowed = name.endswith(("cli.py", "__main__.py"))
            assert allowed or not lines, f"{name}: {lines}"
