# Sets passwords of the roles that provision.sql creates, creates a database for Keycloak, and keeps the roles away from the other
# databases of the server. Runs at the first start; to repeat it:
#   kubectl --namespace clientele exec postgres-0 -- bash /docker-entrypoint-initdb.d/20-passwords.sh
set -euo pipefail

query() { psql --no-psqlrc --username postgres --dbname clientele --set ON_ERROR_STOP=1 --tuples-only "$@"; }

set_password() { query --set role="$1" --set password="$(<"/run/clientele/$2")" <<<"alter role :\"role\" login password :'password';"; }

set_password clientele_owner owner
for schema in users customers media orders notifications activity; do
    set_password "clientele_$schema" "$schema"
done
if [ -z "$(query <<<"select 1 from pg_roles where rolname = 'keycloak';")" ]; then
    query <<<'create role keycloak login connection limit 100;'
    query <<<'create database keycloak owner keycloak;'
    query <<<'revoke all on database keycloak from public;'
fi
set_password keycloak keycloak
query <<<'revoke connect on database postgres, template1 from public;'
