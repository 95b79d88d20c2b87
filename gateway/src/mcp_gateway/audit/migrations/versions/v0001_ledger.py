"""Segments, blocks, records: tables that grow and never change."""

from alembic import op

revision = "0001"
down_revision = None

SEGMENT = """
CREATE TABLE audit.segment (
    seg      uuid        PRIMARY KEY,
    seg_day  date        NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'UTC')::date,
    replica  text        NOT NULL CHECK (length(replica) BETWEEN 1 AND 100),
    opened   timestamptz NOT NULL DEFAULT clock_timestamp(),
    login    text        NOT NULL DEFAULT session_user,
    client   inet        DEFAULT inet_client_addr()
)
"""

BLOCK = """
CREATE TABLE audit.block (
    seg_day   date        NOT NULL,
    seg       uuid        NOT NULL,
    block     bigint      NOT NULL CHECK (block > 0),
    first_seq bigint      NOT NULL CHECK (first_seq > 0),
    count     integer     NOT NULL CHECK (count > 0),
    prev      bytea       NOT NULL CHECK (octet_length(prev) = 32),
    root      bytea       NOT NULL CHECK (octet_length(root) = 32),
    signed_at timestamptz NOT NULL,
    key       text        NOT NULL CHECK (key ~ '^[0-9a-f]{16}$'),
    signature bytea       NOT NULL CHECK (octet_length(signature) = 64),
    db_ts     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (seg_day, seg, block)
) PARTITION BY RANGE (seg_day)
"""

RECORD = """
CREATE TABLE audit.record (
    seg_day    date   NOT NULL,
    seg        uuid   NOT NULL,
    seq        bigint NOT NULL CHECK (seq > 0),
    block      bigint NOT NULL CHECK (block > 0),
    body       bytea  NOT NULL CHECK (octet_length(body) BETWEEN 2 AND 65536),
    ts         timestamptz,
    kind       text,
    rid        text,
    person     text,
    subject    text,
    agent      text,
    method     text,
    server     text,
    tool       text,
    decision   text,
    reason     text,
    status     text,
    latency_ms double precision,
    trace      text,
    PRIMARY KEY (seg_day, seg, seq)
) PARTITION BY RANGE (seg_day)
"""

DENY = """
CREATE FUNCTION audit.deny() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger only grows: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""

# Attached, not created as a partition: CREATE ... PARTITION OF locks the parent against readers and
# writers, and a long verification would then stop the gateway at midnight.
PREPARE = """
CREATE FUNCTION audit.prepare(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today  date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    parent text;
    part   text;
    made   integer := 0;
BEGIN
    IF ahead NOT BETWEEN 0 AND 31 THEN
        RAISE EXCEPTION 'partitions are made for at most 31 days ahead';
    END IF;
    FOR day IN 0..ahead LOOP
        FOREACH parent IN ARRAY ARRAY['block', 'record'] LOOP
            part := parent || to_char(today + day, '_YYYYMMDD');
            CONTINUE WHEN to_regclass('audit.' || part) IS NOT NULL;
            PERFORM pg_advisory_xact_lock(hashtext('audit.prepare'));
            CONTINUE WHEN to_regclass('audit.' || part) IS NOT NULL;
            EXECUTE format('CREATE TABLE audit.%I (LIKE audit.%I INCLUDING DEFAULTS '
                           'INCLUDING CONSTRAINTS)', part, parent);
            EXECUTE format('CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit.%I '
                           'FOR EACH STATEMENT EXECUTE FUNCTION audit.deny()', part);
            EXECUTE format('ALTER TABLE audit.%I ATTACH PARTITION audit.%I '
                           'FOR VALUES FROM (%L) TO (%L)',
                           parent, part, today + day, today + day + 1);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$
"""

# With the caller's own rights: a login may end its own sessions and no others.
FENCE = """
CREATE FUNCTION audit.fence(name text) RETURNS boolean
LANGUAGE sql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(bool_and(pg_terminate_backend(pid, 1000)), true)
    FROM pg_stat_activity
    WHERE application_name = name AND usename = session_user AND pid <> pg_backend_pid()
$$
"""

INDEXES = (
    "CREATE INDEX ON audit.record USING brin (ts)",
    "CREATE INDEX ON audit.record (person, ts)",
    "CREATE INDEX ON audit.record (rid)",
)

WRITABLE = (
    "seg_day, seg, seq, block, body, ts, kind, rid, person, subject, agent, method, server, tool, "
    "decision, reason, status, latency_ms, trace"
)

# not db_ts: the second clock is the server's
SIGNED = "seg_day, seg, block, first_seq, count, prev, root, signed_at, key, signature"
ITS_OWN = "seg_day, seg, block, signature"

GRANTS = (
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC",
    "GRANT USAGE ON SCHEMA audit TO audit_writer, audit_reader",
    f"GRANT INSERT ({WRITABLE}), SELECT (seg_day, seg, seq) ON audit.record TO audit_writer",
    # the signature tells a writer whether its own doubtful commit happened, or somebody else's
    f"GRANT INSERT ({SIGNED}), SELECT ({ITS_OWN}) ON audit.block TO audit_writer",
    "GRANT INSERT (seg, replica), SELECT (seg_day) ON audit.segment TO audit_writer",
    "GRANT EXECUTE ON FUNCTION audit.prepare(integer), audit.fence(text) TO audit_writer",
    "GRANT SELECT ON audit.segment, audit.block, audit.record TO audit_reader",
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE audit_owner")
    for statement in (SEGMENT, BLOCK, RECORD, *INDEXES, DENY, PREPARE, FENCE):
        op.execute(statement)
    for table in ("segment", "block", "record"):
        op.execute(
            f"CREATE TRIGGER deny_change BEFORE UPDATE OR DELETE ON audit.{table} "
            "FOR EACH ROW EXECUTE FUNCTION audit.deny()"
        )
        op.execute(
            f"CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit.deny()"
        )
    for statement in GRANTS:
        op.execute(statement)
    op.execute("SELECT audit.prepare(7)")
    op.execute("RESET ROLE")
