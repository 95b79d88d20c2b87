"""Encrypted arguments with keys that can be destroyed; statements for what is gone on purpose."""

from alembic import op

from mcp_gateway.audit.migrations.versions.v0001_ledger import PREPARE

revision = "0003"
down_revision = "0002"

# what a key was wrapped with is in the keyring, so a row alone opens nothing
SUBJECT_KEY = """
CREATE TABLE audit.subject_key (
    seg_day date        NOT NULL,
    key_id  uuid        NOT NULL,
    subject bytea       NOT NULL CHECK (octet_length(subject) = 32),
    kek     text        NOT NULL CHECK (kek ~ '^[0-9a-f]{16}$'),
    wrapped bytea       NOT NULL CHECK (octet_length(wrapped) = 40),
    made    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (seg_day, key_id)
)
"""

PAYLOAD = """
CREATE TABLE audit.payload (
    seg_day date  NOT NULL,
    rid     text  NOT NULL CHECK (length(rid) <= 200),
    key_id  uuid  NOT NULL,
    nonce   bytea NOT NULL CHECK (octet_length(nonce) = 12),
    ct      bytea NOT NULL CHECK (octet_length(ct) BETWEEN 16 AND 1048576)
) PARTITION BY RANGE (seg_day)
"""

TOMBSTONE = """
CREATE TABLE audit.tombstone (
    seg         uuid        PRIMARY KEY,
    seg_day     date        NOT NULL,
    records     bigint      NOT NULL CHECK (records > 0),
    head        bytea       NOT NULL CHECK (octet_length(head) = 32),
    proposed_by text        NOT NULL CHECK (length(proposed_by) BETWEEN 1 AND 200),
    approved_by text        NOT NULL CHECK (length(approved_by) BETWEEN 1 AND 200),
    statement   text        NOT NULL,
    signature   bytea       NOT NULL CHECK (octet_length(signature) = 64),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (proposed_by <> approved_by)
)
"""

RESTORED = """
CREATE TABLE audit.restored (
    serial    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    statement text        NOT NULL,
    signature bytea       NOT NULL CHECK (octet_length(signature) = 64),
    at        timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""

# The only way a key goes: by subject, and never by reading it first.
ERASE = """
CREATE FUNCTION audit.erase(who bytea, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone integer;
BEGIN
    DELETE FROM audit.subject_key WHERE subject = who AND made <= until;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$
"""

# A day goes only as a whole, only when it has passed, and only when each of its segments has a
# tombstone by two people that counts what is there. Whether its signature is right is the
# verifier's to say: a forged one buys a finding.
RETIRE = """
CREATE FUNCTION audit.retire(day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today   date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    parent  text;
    part    text;
    wrong   uuid;
    records bigint;
BEGIN
    IF day >= today THEN
        RAISE EXCEPTION 'the day % has not passed', day;
    END IF;
    SELECT coalesce(r.seg, t.seg) INTO wrong
    FROM (SELECT seg, count(*) AS records FROM audit.record WHERE seg_day = day GROUP BY seg) r
    FULL JOIN (SELECT seg, t.records FROM audit.tombstone t WHERE seg_day = day) t USING (seg)
    WHERE r.records IS DISTINCT FROM t.records LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'segment % of % has no tombstone that counts its records', wrong, day;
    END IF;
    SELECT coalesce(sum(t.records), 0) INTO records FROM audit.tombstone t WHERE seg_day = day;
    FOREACH parent IN ARRAY ARRAY['payload', 'record', 'block'] LOOP
        part := parent || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass('audit.' || part) IS NULL;
        EXECUTE format('DROP TABLE audit.%I', part);
    END LOOP;
    DELETE FROM audit.subject_key WHERE seg_day = day;
    RETURN records;
END
$$
"""

PREPARE_PAYLOAD = PREPARE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1).replace(
    "ARRAY['block', 'record']", "ARRAY['block', 'record', 'payload']", 1
)

INDEXES = (
    "CREATE INDEX ON audit.payload (rid)",
    "CREATE INDEX ON audit.subject_key (subject)",
    "CREATE INDEX ON audit.tombstone (seg_day)",
)

STATED = "seg, seg_day, records, head, proposed_by, approved_by, statement, signature"
GRANTS = (
    "REVOKE ALL ON FUNCTION audit.erase(bytea, timestamptz), audit.retire(date) FROM PUBLIC",
    "GRANT USAGE ON SCHEMA audit TO audit_maint",
    "GRANT INSERT (seg_day, rid, key_id, nonce, ct) ON audit.payload TO audit_writer",
    "GRANT INSERT (seg_day, key_id, subject, kek, wrapped) ON audit.subject_key TO audit_writer",
    "GRANT SELECT ON audit.payload, audit.subject_key TO audit_reader",
    "GRANT SELECT ON audit.tombstone, audit.restored TO audit_reader",
    "GRANT EXECUTE ON FUNCTION audit.erase(bytea, timestamptz), audit.retire(date) TO audit_maint",
    f"GRANT INSERT ({STATED}) ON audit.tombstone TO audit_maint",
    "GRANT INSERT (statement, signature) ON audit.restored TO audit_maint",
    "GRANT SELECT ON audit.tombstone TO audit_maint",
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE audit_owner")
    for statement in (SUBJECT_KEY, PAYLOAD, TOMBSTONE, RESTORED, *INDEXES, ERASE, RETIRE):
        op.execute(statement)
    for table in ("payload", "tombstone", "restored"):
        op.execute(
            f"CREATE TRIGGER deny_change BEFORE UPDATE OR DELETE ON audit.{table} "
            "FOR EACH ROW EXECUTE FUNCTION audit.deny()"
        )
    # not DELETE: erasing is what these rows are for
    op.execute(
        "CREATE TRIGGER deny_change BEFORE UPDATE ON audit.subject_key "
        "FOR EACH ROW EXECUTE FUNCTION audit.deny()"
    )
    for table in ("subject_key", "payload", "tombstone", "restored"):
        op.execute(
            f"CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit.deny()"
        )
    op.execute(PREPARE_PAYLOAD)
    for statement in GRANTS:
        op.execute(statement)
    op.execute("SELECT audit.prepare(7)")
    op.execute("RESET ROLE")
