"""A ledger whose disk runs full, and a ledger that is not required."""

from typing import Any

from house.asks import GOOD, error_of
from house.backends import Counted
from house.cable import cable
from house.conftest import Opened
from house.house import RECEIPT, House
from house.test_outages import NOTE, through

from mcp_local.postgres import Postgres


async def read(home: House) -> Any:
    return await home.call(GOOD["name"], GOOD["arguments"])


async def write(home: House) -> Any:
    return await home.call("numbers_note_number", NOTE)


async def test_with_a_disk_nearly_full_reads_end_and_writes_go_on(
    server: Counted, opened: Opened
) -> None:
    async with opened(server, ledger_disk="1 TiB") as home:
        room = home.gateway.room
        assert room is not None
        assert (await read(home)).json()["result"]["_meta"][RECEIPT]
        room.level = "scarce"
        refused = await read(home)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "300"
        assert "that read are closed" in error_of(refused)["message"]
        assert (await write(home)).json()["result"]["_meta"][RECEIPT]
        assert (await home.http.get("/readyz")).status_code == 200
        assert len(server.calls) == 2
        # counted and sampled like what never became a call: a record each would fill the disk
        turned = await home.settled(1, reason="turned_away")
        assert turned[0]["detail"]["code"] == "ledger_full"
        assert await home.records(kind="refusal") == []


async def test_with_a_full_disk_no_call_begins_and_the_gateway_is_not_ready(
    server: Counted, opened: Opened
) -> None:
    # one mebibyte is less than any database: full at the first look, before the first call
    async with opened(server, ledger_disk="1 MiB") as home:
        for call in (read, write):
            refused = await call(home)
            assert refused.status_code == 503
            assert error_of(refused)["code"] == -31503
        assert server.calls == []
        ready = await home.http.get("/readyz")
        assert (ready.status_code, ready.json()["ledger"]) == (503, False)
        # the list needs no record
        assert (await home.post("tools/list")).status_code == 200


async def test_the_level_at_the_start_is_on_the_record(server: Counted, opened: Opened) -> None:
    async with opened(server, ledger_disk="1 MiB") as home:
        home.mark = 0
        (told,) = await home.records(reason="ledger_disk")
        assert told["detail"]["level"] == "full"
        assert told["detail"]["percent"] > 100


async def test_a_ledger_that_is_not_required_lets_calls_go_on_without_a_record(
    server: Counted, opened: Opened, postgres_server: Postgres
) -> None:
    async with (
        cable(postgres_server.port) as postgres,
        opened(server, through=through(postgres.port), ledger_mode="best-effort") as home,
    ):
        assert (await read(home)).json()["result"]["_meta"][RECEIPT]
        await postgres.cut()
        answer = (await read(home)).json()["result"]
        assert answer["structuredContent"]["total"] == 1
        assert RECEIPT not in answer.get("_meta", {})
        assert (await home.http.get("/readyz")).status_code == 200
        await postgres.mend()
        home.mark = 0
        (mode,) = await home.records(reason="ledger_mode")
        assert mode["detail"] == {"mode": "best-effort"}
        gap = await home.settled(1, reason="ledger_gap")
        assert gap[0]["refused"] >= 2
