"""Keycloak's distribution: fetched once with Maven, its checksum checked, unpacked.

The pin is infra/keycloak/keycloak.toml; everything is kept below .cache/keycloak.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mcp_local import lock

PIN = Path("infra") / "keycloak" / "keycloak.toml"
CACHE = Path(".cache") / "keycloak"
FETCH_SECONDS = 900
ROOM_BYTES = 700_000_000  # the archive, unpacked, and one build of it
ERROR = re.compile(r"^\[ERROR\]\s+(?P<words>\S.*)$", re.MULTILINE)


class KeycloakMissingError(RuntimeError):
    """There is no Keycloak here, and why, and what to do."""


class Pin(BaseModel):
    """Which Keycloak, byte for byte."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    coordinates: str
    version: str
    sha256: str
    plugin: str

    @property
    def archive(self) -> str:
        return f"{self.coordinates.partition(':')[2]}-{self.version}.zip"


def pin(root: Path) -> Pin:
    return Pin.model_validate(tomllib.loads((root / PIN).read_text("utf-8")))


def folder(root: Path) -> Path:
    """Everything of this version: archive, unpacked distribution, builds."""
    return root / CACHE / pin(root).version


def say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def fetched(root: Path, report: Callable[[str], None] = say) -> Path:
    """The unpacked distribution, fetched where it is not there yet.

    Raises:
        KeycloakMissingError: what is missing, or what is wrong with what came.

    """
    wanted, place = pin(root), folder(root)
    home, stamp = place / "home", place / "home.sha256"
    try:
        place.mkdir(parents=True, exist_ok=True)
        with lock.held(place / "lock", wait=True):
            if stamp.is_file() and stamp.read_text() == wanted.sha256 and home.is_dir():
                return home
            stamp.unlink(missing_ok=True)
            archive = place / wanted.archive
            if not archive.is_file():
                _enough_room(place)
                report(f"Fetching Keycloak {wanted.version} with Maven (about 160 MB, once)")
                _fetch(wanted, place)
            _check(archive, wanted)
            _unpack(archive, home)
            stamp.write_text(wanted.sha256)
    except OSError as error:
        raise KeycloakMissingError(f"Keycloak could not be put into {place}: {error}") from error
    return home


def _enough_room(place: Path) -> None:
    if (free := shutil.disk_usage(place).free) < ROOM_BYTES:
        raise KeycloakMissingError(
            f"Keycloak needs {ROOM_BYTES / 1e6:.0f} MB in {place}; {free / 1e6:.0f} MB are free."
        )


def _fetch(wanted: Pin, place: Path) -> None:
    program = shutil.which("mvn")
    by_hand = (
        f"or put {wanted.archive} of Keycloak {wanted.version} into {place} yourself: "
        "its checksum is checked all the same."
    )
    if program is None:
        raise KeycloakMissingError(
            "Keycloak is fetched with Maven, and there is no mvn on the PATH. "
            f"Install it (apt-get install maven, brew install maven), {by_hand}"
        )
    done = _maven(program, wanted, place)
    if done is None:
        raise KeycloakMissingError(
            f"Maven was not done after {FETCH_SECONDS} s. Try again, {by_hand}"
        )
    if done.returncode != 0 or not (place / wanted.archive).is_file():
        said = ERROR.search(done.stdout + done.stderr)
        words = said["words"] if said else f"it ended with {done.returncode} and gave no reason"
        raise KeycloakMissingError(
            f"Maven could not fetch {wanted.coordinates}:{wanted.version}: {words}\n"
            "Is there a way to a Maven repository (a mirror goes into ~/.m2/settings.xml)? "
            f"Mend it, {by_hand}"
        )


def _maven(program: str, wanted: Pin, place: Path) -> subprocess.CompletedProcess[str] | None:
    """What it did; None where it took too long."""
    command = [
        program, "-q", "-B", f"{wanted.plugin}:copy",
        f"-Dartifact={wanted.coordinates}:{wanted.version}:zip", f"-DoutputDirectory={place}",
    ]  # fmt: skip
    # nobody's project file has a say in what is fetched
    try:
        return subprocess.run(
            command, cwd=place, check=False, capture_output=True, text=True, timeout=FETCH_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None


def _check(archive: Path, wanted: Pin) -> None:
    with archive.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != wanted.sha256:
        aside = archive.with_name(f"{archive.name}.refused")
        archive.replace(aside)
        raise KeycloakMissingError(
            f"{archive.name} is not the one that {PIN} names: its SHA-256 is {found}, "
            f"not {wanted.sha256}. It was not unpacked, and lies at {aside}."
        )


def _unpack(archive: Path, home: Path) -> None:
    aside = home.with_name("home.new")
    shutil.rmtree(aside, ignore_errors=True)
    with zipfile.ZipFile(archive) as content:
        content.extractall(aside)
        for entry in content.infolist():
            mode = (entry.external_attr >> 16) & 0o777
            if mode:
                (aside / entry.filename).chmod(mode)
    (inside,) = aside.iterdir()
    shutil.rmtree(home, ignore_errors=True)
    inside.rename(home)
    aside.rmdir()
