-- A role and a schema for each service, with rights on nothing else. Run in the database of the product by a superuser, or by
-- who owns the database and may create roles; may be run again at any time. Passwords are not set here.
do $$
declare
  service text;
  role_name text;
begin
  execute format('revoke all on database %I from public', current_database());
  revoke create on schema public from public;
  foreach service in array array['users', 'customers', 'media', 'orders', 'notifications'] loop
    role_name := 'clientele_' || service;
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I login', role_name);
    end if;
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant %I to current_user', role_name);
    end if;
    execute format('alter role %I set search_path = %I, public', role_name, service);
    execute format('grant connect on database %I to %I', current_database(), role_name);
    execute format('create schema if not exists %I authorization %I', service, role_name);
    execute format('revoke all on schema %I from public', service);
  end loop;
end
$$;
create extension if not exists pg_trgm with schema public;
