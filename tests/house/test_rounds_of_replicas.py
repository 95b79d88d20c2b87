"""What one replica sealed for a client, another one opens: they share the key."""

from pathlib import Path

from house.asks import error_of
from house.backends import Counted
from house.conftest import Opened
from house.test_protocol_rounds import DONE, asked, call
from house.test_switches import another_replica

from mcp_gateway.seal import Seal
from mcp_gateway.upstream.rounds import Rounds


async def test_a_question_of_one_replica_is_answered_at_another(
    server: Counted, opened: Opened, tmp_path: Path
) -> None:
    async with opened(server) as home, another_replica(home, tmp_path / "second") as second:
        state = await asked(home)
        assert second.gateway.edge
        other = second.gateway.edge.pipeline
        key = (home.gateway.settings.keys / "sealing.key").read_bytes()
        home.server.behave = DONE
        assert error_of(await call(second, state))["code"], "a key of its own opens nothing"
        other.rounds = Rounds(Seal(key))
        assert (await call(second, state)).json()["result"]["structuredContent"]["total"] == 1
