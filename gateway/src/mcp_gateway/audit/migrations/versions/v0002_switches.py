"""Kill switches: what an operator closed and opened again, one row per change, never changed."""

from alembic import op

revision = "0002"
down_revision = "0001"

SWITCH = """
CREATE TABLE audit.switch (
    serial  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    text        NOT NULL CHECK (kind IN ('tool', 'agent', 'person', 'tokens')),
    name    text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    closed  boolean     NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds integer     CHECK (seconds > 0),
    reason  text        NOT NULL CHECK (length(reason) <= 500),
    by      text        NOT NULL CHECK (length(by) BETWEEN 1 AND 200)
)
"""

WRITABLE = "kind, name, closed, seconds, reason, by"
GRANTS = (
    f"GRANT SELECT, INSERT ({WRITABLE}) ON audit.switch TO audit_writer",
    "GRANT SELECT ON audit.switch TO audit_reader",
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE audit_owner")
    op.execute(SWITCH)
    op.execute(
        "CREATE TRIGGER deny_change BEFORE UPDATE OR DELETE ON audit.switch "
        "FOR EACH ROW EXECUTE FUNCTION audit.deny()"
    )
    op.execute(
        "CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit.switch "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit.deny()"
    )
    for statement in GRANTS:
        op.execute(statement)
    op.execute("RESET ROLE")
