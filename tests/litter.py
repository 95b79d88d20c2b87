"""What programs leave behind in the machine's temporary folder goes with the run of the tests."""

import os
import shutil
import tempfile

import pytest

MADE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # what starts the workers has made one
        return
    # pytest's own folders stay where people look for them after a failure
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="tests-")
    config.stash[MADE] = tempfile.tempdir


def pytest_unconfigure(config: pytest.Config) -> None:
    if MADE in config.stash:
        shutil.rmtree(config.stash[MADE], ignore_errors=True)
