from typing import Any

import pytest
from pydantic import ValidationError

from mcp_shared.settings import told
from mcp_shared.vendor.settings import VendorSettings

TOKEN: dict[str, Any] = {"token": "a-token-of-tests"}
CLIENT: dict[str, Any] = {
    "client_id": "a",
    "client_secret": "a-secret-of-tests",
    "token_url": "https://id.example.com/token",
}


@pytest.mark.parametrize(
    "url",
    [
        "http://mcp.example.com/mcp", "https://me:pw@mcp.example.com/mcp", "https://mcp.example.com/mcp?key=1",
        "https://mcp.example.com/mcp#a", "ftp://mcp.example.com", "mcp.example.com", "", "https://",
        "http://127.0.0.1.example.com/mcp", "http://[2001:db8::1]/mcp",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["url", "token_url"])
def test_an_address_that_would_show_the_credential_is_refused(url: str, field: str) -> None:
    given: dict[str, Any] = {"url": "https://mcp.example.com/mcp", **CLIENT, field: url}
    with pytest.raises(ValidationError, match="expected"):
        VendorSettings(**given)


@pytest.mark.parametrize(
    "url",
    [
        "https://mcp.example.com/mcp",
        "http://127.0.0.1:1/mcp",
        "http://deals-sandbox:8091/mcp",
        "http://[::1]:1/mcp",
    ],
)
def test_https_or_this_machine_is_good(url: str) -> None:
    assert VendorSettings(url=url, **TOKEN).url == url


@pytest.mark.parametrize(
    "given", [{}, {**TOKEN, **CLIENT}, {**CLIENT, "client_secret": None}, {"client_id": "a"}]
)
def test_there_is_one_credential_and_all_of_it(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="one credential"):
        VendorSettings(url="https://mcp.example.com/mcp", **given)


def test_variables_are_read_with_the_servers_prefix_and_not_repeated_in_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEALS_URL", "https://mcp.example.com/mcp")
    monkeypatch.setenv("DEALS_TOKEN", "a-token-of-tests\n")
    found = VendorSettings(_env_prefix="DEALS_")
    assert found.token
    assert found.token.get_secret_value() == "a-token-of-tests"
    monkeypatch.setenv("DEALS_URL", "http://hidden.example.com")
    with pytest.raises(ValidationError) as caught:
        VendorSettings(_env_prefix="DEALS_")
    [line] = told(caught.value, "DEALS_")
    assert line.startswith("DEALS_URL: expected https")
    assert "hidden" not in line
