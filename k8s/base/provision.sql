-- Creates the role clientele_owner, which owns all schemas and migrates them, and for each service a schema and a role, which can
-- only read and write rows of that schema. Run it in the product's database as a superuser, or as the owner of the database who may
-- create roles. It can be run again at any time. It sets no passwords, and keeps connection limits that you have set.
--
-- It hands the schemas of an earlier release to clientele_owner. Run it before the upgrade, and once more when you will not go back:
-- from then on, if a superuser runs it, services can only take locks of their own schema, which the earlier release does not know.
--
-- On a server that serves Clientele alone, keep its roles away from the other databases, and grant `connect` to what else needs it,
-- such as an exporter of metrics:
--   revoke connect on database postgres, template1 from public;
do $$
declare
  owner constant text := 'clientele_owner';
  is_superuser constant boolean := (select rolsuper from pg_roles where rolname = current_user);
  max_connections constant integer := current_setting('max_connections');
  service text;
  service_role text;
  role_name text;
  guarded regprocedure;
begin
  execute format('revoke all on database %I from public', current_database());
  revoke create on schema public from public;
  foreach service in array array['users', 'customers', 'media', 'orders', 'notifications', 'activity'] loop
    service_role := 'clientele_' || service;

    foreach role_name in array array[owner, service_role] loop
      if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I login', role_name);
      end if;
      if not is_superuser and not pg_has_role(role_name, 'usage') then
        execute format('grant %I to current_user', role_name);
      end if;
      if (select rolconnlimit = -1 from pg_roles where rolname = role_name) then
        execute format('alter role %I connection limit %s', role_name, max_connections / 2);
      end if;
      execute format('grant connect on database %I to %I', current_database(), role_name);
    end loop;
    execute format('alter role %I set search_path = %I, public', service_role, service);

    execute format('create schema if not exists %I authorization %I', service, owner);
    execute format('alter schema %I owner to %I', service, owner);
    if exists (
      select from pg_shdepend
      where refclassid = 'pg_authid'::regclass and refobjid = service_role::regrole and deptype = 'o'
        and dbid = (select oid from pg_database where datname = current_database())
    ) then
      execute format('reassign owned by %I to %I', service_role, owner);
    end if;

    execute format('revoke all on schema %I from public', service);
    execute format('grant usage on schema %I to %I', service, service_role);
    execute format('grant select, insert, update, delete on all tables in schema %I to %I', service, service_role);
    execute format('grant usage, select on all sequences in schema %I to %I', service, service_role);
    execute format('alter default privileges for role %I in schema %I
      grant select, insert, update, delete on tables to %I', owner, service, service_role);
    execute format('alter default privileges for role %I in schema %I
      grant usage, select on sequences to %I', owner, service, service_role);
    if to_regclass(format('%I.schema_migrations', service)) is not null then
      execute format('revoke insert, update, delete on %I.schema_migrations from %I', service, service_role);
    end if;
  end loop;

  -- The functions belong to the superuser. Schemas that an earlier release has migrated have none of their own yet.
  if not is_superuser or exists (
    select from pg_class as migrations where relname = 'schema_migrations'
      and not exists (select from pg_proc where pronamespace = relnamespace and proname = 'try_session_lock')
  ) then
    return;
  end if;
  for guarded in
    select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace
      and (proname ~ '^pg_(try_)?advisory_(xact_)?lock' or proname in ('lo_creat', 'lo_create', 'lo_from_bytea'))
  loop
    execute format('revoke execute on function %s from public', guarded);
    execute format('grant execute on function %s to %I', guarded, owner);
  end loop;
end
$$;
create extension if not exists pg_trgm with schema public;
