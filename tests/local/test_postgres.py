import asyncpg
import pytest

from mcp_local.valkey import Valkey, answers


async def test_the_wheel_brings_postgresql_18_with_vector_and_trigrams(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert connection.get_server_version().major == 18
        await connection.execute("CREATE EXTENSION vector; CREATE EXTENSION pg_trgm")
    finally:
        await connection.close()


def test_valkey_answers_only_with_its_password(valkey_server: Valkey) -> None:
    assert answers(valkey_server.url)
    assert not answers(Valkey(port=valkey_server.port, password="wrong").url)


async def test_a_query_that_wants_a_gigabyte_is_refused_it_and_the_others_go_on(
    database: str,
) -> None:
    """Killed for its memory, one process would take everybody's connections with it."""
    other, greedy = await asyncpg.connect(database), await asyncpg.connect(database)
    try:
        with pytest.raises(asyncpg.OutOfMemoryError):
            await greedy.fetchval("SELECT length(repeat('x', 900000000))")
        assert await greedy.fetchval("SELECT 1") == 1
        assert await other.fetchval("SELECT 1") == 1
    finally:
        await other.close()
        await greedy.close()
