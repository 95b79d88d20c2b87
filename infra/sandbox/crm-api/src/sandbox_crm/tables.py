"""The sandbox's own schema: one table of objects, one of associations, one of owners.

`indexed` is what search sees of an object. It lags behind `properties` on purpose: the real search
index is eventually consistent, and a client that reads its own writes by search is wrong there.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement

from sandbox_crm.catalogue import OBJECT_TYPES

SCHEMA = "crm"
FIRST_ID = 20_000_000_001  # looks like a record id of the vendor, unlike any account number

metadata = MetaData(schema=SCHEMA)
object_ids = Sequence("object_id", metadata=metadata, schema=SCHEMA, start=FIRST_ID)

objects = Table(
    "object",
    metadata,
    Column("id", BigInteger, object_ids, primary_key=True),
    Column("type", Text, nullable=False),
    Column("properties", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("archived_at", DateTime(timezone=True)),
    Column("indexed", JSONB(none_as_null=True)),
    Column("index_due", DateTime(timezone=True)),
)
associations = Table(
    "association",
    metadata,
    Column("from_type", Text, nullable=False),
    Column("from_id", BigInteger, nullable=False),
    Column("to_type", Text, nullable=False),
    Column("to_id", BigInteger, nullable=False),
    Column("type_id", SmallInteger, nullable=False),
    PrimaryKeyConstraint("from_type", "from_id", "to_type", "to_id"),
)
owners = Table(
    "owner",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
# one row: what was seeded, so that seeding again is quick
seeded = Table(
    "seeded",
    metadata,
    Column("what", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)


def value_of(column: str, name: str) -> ColumnElement[str]:
    """A property as text. `name` comes from the catalogue, never from a request."""
    return literal_column(f"({SCHEMA}.object.{column} ->> '{name}')", Text)


def folded_sql(column: str, name: str) -> str:
    # a collation that is the same on every machine, unlike the cluster's own
    return f"lower(({column} ->> '{name}') COLLATE pg_c_utf8)"


Index("object_of_type", objects.c.type, objects.c.id)
Index("object_to_index", objects.c.index_due, postgresql_where=text("index_due IS NOT NULL"))
for _kind in OBJECT_TYPES.values():
    for _name in (p.name for p in _kind.properties.values() if p.unique):
        Index(
            f"unique_{_kind.name}_{_name}",
            text(folded_sql("properties", _name)),
            unique=True,
            postgresql_where=text(f"type = '{_kind.name}' AND archived_at IS NULL"),
            _table=objects,
        )
for _type_name, _name in (
    ("companies", "domain"),
    ("companies", "account_number"),
    ("contacts", "email"),
    ("notes", "mcp_request_id"),
):
    Index(
        f"search_{_type_name}_{_name}",
        text(folded_sql("indexed", _name)),
        postgresql_where=text(f"type = '{_type_name}'"),
        _table=objects,
    )
