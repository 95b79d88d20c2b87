-- Safe to repeat. A new server's database goes into the first list.
SELECT format('CREATE DATABASE %I', name)
FROM unnest(ARRAY['ledger', 'warehouse', 'crm', 'docs', 'crm_sandbox', 'keycloak']) AS name
WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = name) \gexec

\set keycloak_password `cat /run/secrets/KC_DB_PASSWORD`
SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'keycloak') THEN 'ALTER' ELSE 'CREATE' END AS verb \gset
:verb ROLE keycloak LOGIN PASSWORD :'keycloak_password';
ALTER DATABASE keycloak OWNER TO keycloak;
