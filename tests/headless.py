"""Headless Chromium, where this machine has one; a test without it says NOT SEEN IN A BROWSER."""

import contextlib
import shutil
from collections.abc import Iterator

import pytest

webdriver = pytest.importorskip(
    "selenium.webdriver", reason="NOT SEEN IN A BROWSER: selenium is not installed"
)

from selenium.webdriver.chrome.service import Service  # noqa: E402  after the skip
from selenium.webdriver.remote.webdriver import WebDriver  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")

needed = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="NOT SEEN IN A BROWSER: no chromium and chromedriver on this machine",
)


@contextlib.contextmanager
def chromium(*arguments: str) -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1280,900", "--no-first-run", *arguments):  # fmt: skip
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()
