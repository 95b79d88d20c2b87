"""The console as a person sees it: headless Chromium, the issuer's real sign-in page, no mocks.

Set CONSOLE_SCREENSHOTS to a folder to keep pictures of every page, light and dark.
"""

import asyncio
import contextlib
import os
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import uvicorn
from gateway.console.conftest import House
from people import Issuer
from starlette.applications import Starlette
from starlette.routing import Mount

webdriver = pytest.importorskip(
    "selenium.webdriver", reason="NOT SEEN IN A BROWSER: selenium is not installed"
)

from selenium.webdriver.chrome.service import Service  # noqa: E402  after the skip
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.remote.webdriver import WebDriver  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
SECONDS = 20
PICTURES = os.environ.get("CONSOLE_SCREENSHOTS")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="NOT SEEN IN A BROWSER: no chromium and chromedriver on this machine",
)


@pytest_asyncio.fixture
async def served(house: House, console_issuer: Issuer) -> AsyncIterator[str]:
    """The console at the port that the realm knows."""
    console = house.console(console_issuer)
    app = Starlette(routes=[Mount("/console", app=console.app)])
    port = urlsplit(console_issuer.gateway).port or 0
    config = uvicorn.Config(app, port=port, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # pytest's stay
    async with console.running():
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.02)
        yield f"{console_issuer.gateway}/console/"
        server.should_exit = True
        await task


@contextlib.contextmanager
def chromium(*arguments: str) -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1440,900", "--no-first-run", *arguments):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def sign_in(driver: WebDriver, address: str, password: str) -> None:
    driver.get(address)
    driver.find_element(By.ID, "sign-in").click()
    wait(driver, "username").send_keys("olu")
    driver.find_element(By.ID, "password").send_keys(password)
    driver.find_element(By.ID, "kc-login").click()
    wait(driver, "live")


def arrived(driver: WebDriver, part: str) -> None:
    """A click without script returns before its page is there."""
    WebDriverWait(driver, SECONDS).until(lambda d: part in d.current_url)


def wait(driver: WebDriver, element: str) -> WebElement:
    return WebDriverWait(driver, SECONDS).until(lambda d: d.find_element(By.ID, element))


def picture(driver: WebDriver, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(Path(PICTURES) / f"{name}.png"))


async def a_day(house: House) -> str:
    """What a day at Larkfield leaves behind; the id of the last failed call."""
    chance = random.Random(7)
    work = []
    for _ in range(400):
        ago = chance.triangular(600, 86_000, 20_000)
        tool = chance.choice(["find_contacts"] * 5 + ["log_note"])
        person = chance.choice(["ana", "ben", "cho"])
        bad = chance.random() < (0.3 if tool == "log_note" else 0.02)
        status = "failed" if bad else "ok"
        reason = chance.choice(["upstream_timeout", "breaker_open"]) if bad else ""
        work.append(
            house.call(status, latency=chance.lognormvariate(4, 0.7), tool=tool, ago=ago,
                       person=person, reason=reason)
        )  # fmt: skip
    work += [house.refusal("deny", "no_role", person="dee", tool="log_note") for _ in range(6)]
    work += [house.refusal("limit", "rate", person="dee", ago=i * 60 + 60) for i in range(9)]
    work += [house.refusal("deny", "unknown_tool", server=None, tool="crm_drop_all", person="dee")]
    await asyncio.gather(*work)
    return await house.call(
        "failed", tool="log_note", reason="upstream_timeout", latency=10_004, ago=20,
        trace="4bf92f3577b34da6a3ce929d0e0e4736",
        args={"contact": "c-102", "text": "[redacted]", "note": "\u202eevil <script>alert(1)</script>"},
    )  # fmt: skip


async def test_an_operator_sees_which_tool_fails_and_opens_the_record(
    house: House, console_issuer: Issuer, served: str
) -> None:
    rid = await a_day(house)

    def visit() -> tuple[str, str, str, list[str]]:
        with chromium() as driver:
            driver.get(served)
            picture(driver, "1-welcome")
            sign_in(driver, served, console_issuer.password)
            picture(driver, "2-overview")
            first = driver.find_element(By.CSS_SELECTOR, "table.tools tbody tr")
            row = first.text
            first.find_element(By.CSS_SELECTOR, ".last a").click()
            WebDriverWait(driver, SECONDS).until(lambda d: rid in d.current_url)
            driver.find_element(By.CSS_SELECTOR, ".verify").click()
            seal = WebDriverWait(driver, SECONDS).until(
                lambda d: d.find_element(By.CSS_SELECTOR, ".verdict .seal")
            )
            said = seal.text
            assert rid in driver.current_url, "htmx put the verdict into the page"
            picture(driver, "3-record")
            shown = driver.find_element(By.TAG_NAME, "body").text
            for name in ("calls", "policy", "connect"):
                driver.get(f"{served}{name}")
                picture(driver, f"4-{name}")
            driver.get(f"{served}audit?window=7d")
            picture(driver, "7-audit")
            driver.find_element(By.CSS_SELECTOR, "#results td.mono a").click()
            arrived(driver, "/console/audit/")
            driver.find_element(By.CSS_SELECTOR, ".verify").click()
            WebDriverWait(driver, SECONDS).until(
                lambda d: "Verified." in d.find_element(By.CSS_SELECTOR, ".verdict").text
            )
            picture(driver, "7-proof")
            driver.set_window_size(480, 900)
            driver.get(served)
            picture(driver, "6-narrow")
            driver.set_window_size(1440, 900)
            driver.get(f"{served}calls")
            driver.find_element(By.NAME, "person").send_keys("dee")
            WebDriverWait(driver, SECONDS).until(lambda d: "person=dee" in d.current_url)
            people = {
                cell.text
                for cell in driver.find_elements(By.CSS_SELECTOR, "table.calls td:nth-child(2)")
            }
            assert people == {"dee"}, people
            complaints = [line["message"] for line in driver.get_log("browser")]  # type: ignore[attr-defined]
            return row, said, shown, complaints

    row, said, shown, complaints = await asyncio.to_thread(visit)
    assert row.startswith("crm_log_note")
    assert "upstream_timeout" in row
    assert "Verified." in said
    assert "U+202Eevil <script>alert(1)</script>" in shown
    assert complaints == []


async def test_the_overview_refreshes_itself_and_signing_out_ends_it(
    house: House, console_issuer: Issuer, served: str
) -> None:
    await house.call()

    def before(driver: WebDriver) -> str:
        sign_in(driver, served, console_issuer.password)
        return driver.find_element(By.CSS_SELECTOR, ".totals dd").text

    def after(driver: WebDriver) -> str:
        # what the timer does, without waiting for it
        driver.execute_script("htmx.trigger('#live', 'every')")
        total = By.CSS_SELECTOR, ".totals dd"
        WebDriverWait(driver, SECONDS).until(lambda d: d.find_element(*total).text == "2")
        driver.find_element(By.CSS_SELECTOR, ".me button").click()
        wait(driver, "sign-in")
        driver.get(f"{served}calls")
        return str(driver.current_url)

    with chromium("--force-dark-mode", "--blink-settings=preferredColorScheme=0") as driver:
        assert await asyncio.to_thread(before, driver) == "1"
        await house.call("failed")
        picture(driver, "5-dark")
        address = await asyncio.to_thread(after, driver)
    assert "/protocol/openid-connect/auth" in address


async def test_everything_works_without_javascript(
    house: House, console_issuer: Issuer, served: str
) -> None:
    rid = await a_day(house)

    def visit() -> str:
        with chromium("--blink-settings=scriptEnabled=false") as driver:
            sign_in(driver, served, console_issuer.password)
            driver.get(f"{served}calls")
            driver.find_element(By.NAME, "tool").send_keys("crm_log_note")
            driver.find_element(By.CSS_SELECTOR, ".filters button").click()
            arrived(driver, "tool=crm_log_note")
            driver.find_element(By.ID, "older").click()
            arrived(driver, "before=")
            driver.get(f"{served}calls/{rid}")
            driver.find_element(By.CSS_SELECTOR, ".verify").click()
            arrived(driver, "/verify")
            return wait(driver, "verdict").text

    assert "Verified." in await asyncio.to_thread(visit)
