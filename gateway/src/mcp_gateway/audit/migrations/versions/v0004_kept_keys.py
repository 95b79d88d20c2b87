"""Days that go while the keys of their arguments stay, for exports that carry those."""

from alembic import op

revision = "0004"
down_revision = "0003"

# A day that is gone already loses the keys that stayed.
RETIRE = """
CREATE FUNCTION audit.retire(day date, keep_keys boolean DEFAULT false) RETURNS bigint
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
    IF to_regclass('audit.record' || to_char(day, '_YYYYMMDD')) IS NOT NULL THEN
        SELECT coalesce(r.seg, t.seg) INTO wrong
        FROM (SELECT seg, count(*) AS records FROM audit.record
              WHERE seg_day = day GROUP BY seg) r
        FULL JOIN (SELECT seg, t.records FROM audit.tombstone t WHERE seg_day = day) t USING (seg)
        WHERE r.records IS DISTINCT FROM t.records LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'segment % of % has no tombstone that counts its records', wrong, day;
        END IF;
    END IF;
    SELECT coalesce(sum(t.records), 0) INTO records FROM audit.tombstone t WHERE seg_day = day;
    FOREACH parent IN ARRAY ARRAY['payload', 'record', 'block'] LOOP
        part := parent || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass('audit.' || part) IS NULL;
        EXECUTE format('DROP TABLE audit.%I', part);
    END LOOP;
    IF NOT keep_keys THEN
        DELETE FROM audit.subject_key WHERE seg_day = day;
    END IF;
    RETURN records;
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL ROLE audit_owner")
    op.execute("DROP FUNCTION audit.retire(date)")
    op.execute(RETIRE)
    op.execute("REVOKE ALL ON FUNCTION audit.retire(date, boolean) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION audit.retire(date, boolean) TO audit_maint")
    op.execute("RESET ROLE")
