"""Web pages of `allowed_origins`: they may call, and read what is answered; no cookie goes along."""

from typing import Any

import pytest
from house.house import House
from starlette.applications import Starlette

from mcp_gateway.door.pages import readable
from mcp_gateway.door.routes import application
from mcp_gateway.listing import discovery

PAGE = "https://app.larkfield.example"
METADATA = [discovery.WELL_KNOWN, f"{discovery.WELL_KNOWN}/mcp"]
PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, mcp-method, mcp-param-region",
}


@pytest.fixture
def listed(home: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The house, as it is built when gateway.yaml lists the page."""
    gateway = home.gateway
    assert gateway.edge is not None
    inner = gateway.inner
    assert isinstance(inner, Starlette)
    config = gateway.config.model_copy(update={"allowed_origins": [PAGE]})
    beside: Any = {route.path: route for route in inner.routes if hasattr(route, "path")}
    remade = application(
        config,
        gateway.catalogue,
        beside["/readyz"].endpoint,
        beside["/healthz"].endpoint,
        beside["/console"].app,
    )
    monkeypatch.setattr(gateway, "inner", remade)
    monkeypatch.setattr(gateway, "front", readable(gateway.edge, [PAGE]))
    monkeypatch.setattr(gateway.edge, "origins", gateway.edge.origins | {PAGE})
    return home


async def test_a_listed_page_is_told_that_it_may_call(listed: House) -> None:
    answer = await listed.http.options("/mcp", headers={"origin": PAGE, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "mcp-param-region" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_listed_page_reads_answers_refusals_and_metadata(listed: House) -> None:
    answered = await listed.post("tools/list", headers={"origin": PAGE})
    refused = await listed.post("tools/list", headers={"origin": PAGE, "authorization": None})
    described = [await listed.http.get(path, headers={"origin": PAGE}) for path in METADATA]
    assert [one.status_code for one in (answered, refused, *described)] == [200, 401, 200, 200]
    for one in (answered, refused, *described):
        assert one.headers["access-control-allow-origin"] == PAGE
        assert "WWW-Authenticate" in one.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", f"{PAGE}.evil.example", "null"])
async def test_no_other_page_is_told_anything(listed: House, origin: str) -> None:
    for path in ("/mcp", *METADATA):
        answer = await listed.http.options(path, headers={"origin": origin, **PREFLIGHT})
        assert answer.status_code >= 400, path
        assert "access-control-allow-origin" not in answer.headers
    assert (await listed.post("tools/list", headers={"origin": origin})).status_code == 403


async def test_the_console_is_for_no_page(listed: House) -> None:
    answer = await listed.http.get("/console/", headers={"origin": PAGE})
    assert not [name for name in answer.headers if name.startswith("access-control")]
