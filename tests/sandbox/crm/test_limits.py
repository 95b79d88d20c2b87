import uuid

import pytest
from sandbox.crm.account import V, opened

from sandbox_crm.buckets import Limits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_the_limiter_answers_in_a_shape_of_its_own(account: str) -> None:
    """hubspot-api-python#117: a 429 has errorType and policyName, and no category."""
    clock = Clock()
    async with opened(account, clock=clock, ten_secondly=3) as crm:
        answers = [await crm.get(f"/crm/objects/{V}/contacts") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        body = answers[-1].json()
        assert body["errorType"] == "RATE_LIMIT"
        assert body["policyName"] == "TEN_SECONDLY_ROLLING"
        assert body["message"] == "You have reached your ten_secondly_rolling limit."
        assert uuid.UUID(body["correlationId"])
        assert "category" not in body
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 11
        assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "3"
        assert answers[0].headers["X-HubSpot-RateLimit-Remaining"] == "2"
        clock.now += 10.1
        assert (await crm.get(f"/crm/objects/{V}/contacts")).status_code == 200


@pytest.mark.parametrize("retry_after", [True, False])
async def test_searches_have_a_bucket_of_their_own(account: str, retry_after: bool) -> None:
    clock = Clock()
    async with opened(account, clock=clock, search_per_second=2, retry_after=retry_after) as crm:
        url = f"/crm/objects/{V}/contacts/search"
        answers = [await crm.post(url, json={}) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[-1].json()["policyName"] == "SECONDLY"
        assert ("Retry-After" in answers[-1].headers) == retry_after
        assert "X-HubSpot-RateLimit-Max" not in answers[0].headers
        assert (await crm.get(f"/crm/objects/{V}/contacts")).status_code == 200
        clock.now += 1.01
        assert (await crm.post(url, json={})).status_code == 200


def test_the_day_ends_too() -> None:
    clock = Clock()
    limits = Limits(ten_secondly=10, search_per_second=10, daily=12, clock=clock)
    for _ in range(12):
        assert limits.take(search=False) is None
        clock.now += 2
    exceeded = limits.take(search=False)
    assert exceeded
    assert exceeded.policy == "DAILY"
    assert exceeded.retry_after_seconds > 80_000


def test_a_refused_request_counts_against_nothing() -> None:
    clock = Clock()
    limits = Limits(ten_secondly=5, search_per_second=1, daily=100, clock=clock)
    refused = [limits.take(search=True) is not None for _ in range(20)]
    assert refused == [False] + [True] * 19
    assert limits.burst.remaining == 4
