-- Questions that outlive their request: the table of the shared library's tasks (mcp_shared.tasks),
-- written by the login that keeps results. Any PostgreSQL can hold this instead:
-- WAREHOUSE_TASKS_DATABASE_URL says which, and `python -m mcp_shared.tasks.migrate warehouse` makes it.
CREATE SCHEMA IF NOT EXISTS tasks AUTHORIZATION wh_owner;
SET LOCAL ROLE wh_owner;

CREATE TABLE IF NOT EXISTS tasks.task (
    id           text PRIMARY KEY,
    owner        text NOT NULL,
    tool         text NOT NULL,
    status       text NOT NULL CHECK (status IN
                 ('working', 'input_required', 'completed', 'failed', 'cancelled', 'expired')),
    message      text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    poll_ms      integer NOT NULL,
    attempt      integer NOT NULL DEFAULT 1,
    holder       text,
    leased_until timestamptz,
    call         text,
    requests     text,
    answers      text,
    ending       text
);
CREATE INDEX IF NOT EXISTS task_owner ON tasks.task (owner) WHERE status <> 'expired';
CREATE INDEX IF NOT EXISTS task_expiry ON tasks.task (expires_at);
CREATE INDEX IF NOT EXISTS task_lease ON tasks.task (leased_until)
    WHERE status IN ('working', 'input_required');

GRANT USAGE ON SCHEMA tasks TO wh_results;
GRANT SELECT, INSERT, UPDATE, DELETE ON tasks.task TO wh_results;
RESET ROLE;
