"""Which version of the kit a clone is from: recorded in a file, else told by a tag or a remote.

A version is a commit of the kit's own history; its name is the kit's tag, or the commit itself.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mcp_playbook.upgrade.git import Git

FILE = "playbook/kit-version.toml"
REMOTE = "kit"
PROJECT = "mcp-in-production"
SHORT = 10  # characters of a commit, as shown

UNKNOWN = (
    "Which version of the kit this clone is from is not known: there is no {file}, no tag v* of "
    "the kit is in its history, and no remote is called {remote}. Say it once: "
    "`make upgrade TO=<the tag or commit this clone was made from>`, after "
    "`git remote add {remote} <the kit's address>` and `git fetch {remote} --tags`."
)
TEXT = """\
# Written by `make upgrade`: the version of the kit this clone is from.
version = "{version}"
commit = "{commit}"
"""


class UnknownVersionError(LookupError):
    """Nothing here says which version of the kit this is."""


@dataclass(frozen=True)
class KitVersion:
    name: str
    commit: str
    told_by: str

    def __str__(self) -> str:
        short = self.commit[:SHORT]
        return self.name if self.name == short else f"{self.name} ({short})"

    def text(self) -> str:
        return TEXT.format(version=self.name, commit=self.commit)


def of_clone(git: Git) -> KitVersion:
    """The version HEAD is from.

    Raises:
        UnknownVersionError: neither file, tag nor remote tells; the message says what would.

    """
    if not git.is_top():
        raise UnknownVersionError(f"{git.root} is a folder of a larger repository, not a clone.")
    if (recorded := _recorded(git)) is not None:
        return recorded
    if (tag := _tag(git, "HEAD")) is not None:
        return KitVersion(tag, git.text("rev-parse", f"{tag}^{{commit}}"), f"tag {tag}")
    for ref in git.text("for-each-ref", "--format=%(refname)", f"refs/remotes/{REMOTE}").split():
        if commit := git.common("HEAD", ref):
            return KitVersion(commit[:SHORT], commit, f"remote {REMOTE}")
    raise UnknownVersionError(UNKNOWN.format(file=FILE, remote=REMOTE))


def of(git: Git, ref: str, commit: str) -> KitVersion:
    """A version by the name it was asked for: a tag of the kit's keeps it, all else is a commit."""
    name = ref if is_tag_of_kit(git, ref) else commit[:SHORT]
    return KitVersion(name, commit, f"asked for as {ref}")


def find(git: Git, ref: str) -> str | None:
    """The commit of a version; asked of the remote `kit` when it is not here yet."""
    if (commit := git.commit(ref)) is not None or ref.startswith("-"):
        return commit
    if REMOTE not in git.text("remote").split():
        return None
    for wanted in (f"refs/tags/{ref}:refs/tags/{ref}", ref):
        if git.run("fetch", "--quiet", REMOTE, wanted, ok=(0, 1, 128)).returncode == 0:
            return git.commit(ref) or git.commit("FETCH_HEAD")
    return None


def tags(git: Git, *words: str) -> list[str]:
    """The kit's version tags, newest first; a clone's own tags are not among them."""
    listed = git.text("tag", "--list", "v[0-9]*", "--sort=-version:refname", *words).split()
    return [tag for tag in listed if is_tag_of_kit(git, tag)]


def is_tag_of_kit(git: Git, name: str) -> bool:
    """Whether the tagged project says that it is the kit, in this version."""
    text = git.file(f"refs/tags/{name}", "pyproject.toml")
    if text is None:
        return False
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError:
        return False
    return project.get("name") == PROJECT and f"v{project.get('version')}" == name


def _tag(git: Git, ref: str) -> str | None:
    return next(iter(tags(git, "--merged", ref)), None)


def _recorded(git: Git) -> KitVersion | None:
    file = Path(git.root) / FILE
    if not file.is_file():
        return None
    try:
        content = tomllib.loads(file.read_text("utf-8"))
        version, commit = str(content["version"]), str(content["commit"])
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise UnknownVersionError(f"{file} does not say version and commit: {error}") from error
    if git.commit(commit) is None:
        what = "this clone is shallow" if git.shallow() else f"fetch it: git fetch {REMOTE} --tags"
        raise UnknownVersionError(f"{FILE} names {version} ({commit}), which is not here: {what}.")
    return KitVersion(version, commit, FILE)
