import asyncpg

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
