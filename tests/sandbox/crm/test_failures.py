import uuid

import httpx2
import pytest
from sandbox.crm.account import TOKEN, V, opened


@pytest.mark.parametrize("header", ["", "Bearer nope", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
async def test_without_the_token_nothing_is_said(crm: httpx2.AsyncClient, header: str) -> None:
    answer = await crm.get(f"/crm/owners/{V}", headers={"Authorization": header})
    body = answer.json()
    assert answer.status_code == 401
    assert body["category"] == "INVALID_AUTHENTICATION"
    assert uuid.UUID(body["correlationId"])
    assert answer.headers["X-HubSpot-Correlation-Id"] == body["correlationId"]


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "category"),
    [
        ("GET", f"/crm/objects/{V}/gadgets", b"", 400, "VALIDATION_ERROR"),
        ("GET", "/crm/objects/2020-01/contacts", b"", 404, "OBJECT_NOT_FOUND"),
        ("PUT", f"/crm/objects/{V}/contacts", b"", 405, "OBJECT_NOT_FOUND"),
        ("POST", f"/crm/objects/{V}/contacts", b"{", 400, "VALIDATION_ERROR"),
        ("POST", f"/crm/objects/{V}/contacts", b"[]", 400, "VALIDATION_ERROR"),
        ("POST", f"/crm/objects/{V}/contacts", b'{"properties": 5}', 400, "VALIDATION_ERROR"),
        (
            "POST",
            f"/crm/objects/{V}/contacts",
            b'{"properties": {"email": {}}}',
            400,
            "VALIDATION_ERROR",
        ),
        (
            "PUT",
            f"/crm/objects/{V}/contacts/1/associations/companies/2",
            b"{",
            400,
            "VALIDATION_ERROR",
        ),
        (
            "PUT",
            f"/crm/objects/{V}/contacts/1/associations/companies/2",
            b"[1]",
            400,
            "VALIDATION_ERROR",
        ),
        ("POST", f"/crm/objects/{V}/contacts", b" " * 4_300_000, 413, "VALIDATION_ERROR"),
        ("PATCH", f"/crm/objects/{V}/contacts/1", b'{"properties": {}}', 404, "OBJECT_NOT_FOUND"),
    ],
)
async def test_a_bad_request_gets_its_status_and_category(
    crm: httpx2.AsyncClient, method: str, path: str, content: bytes, status: int, category: str
) -> None:
    answer = await crm.request(method, path, content=content)
    body = answer.json()
    assert (answer.status_code, body["category"]) == (status, category)
    assert body["status"] == "error"
    assert "Traceback" not in answer.text


async def test_without_its_database_it_says_so_and_no_more(account: str) -> None:
    nowhere = account.rpartition("@")[0] + "@127.0.0.1:1/none"
    async with opened(nowhere) as crm:
        answer = await crm.get(f"/crm/objects/{V}/contacts")
        assert answer.status_code == 503
        assert "127.0.0.1" not in answer.text
        assert (await crm.get("/healthz")).status_code == 200
