"""Run by Alembic with the connection that `mcp_gateway.audit.migrate` opened."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="audit",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
