-- Advisory locks belong to the whole database. These functions take only locks of this schema: the first number of each lock is
-- the schema's. `provisionDatabase` takes the functions of PostgreSQL from everybody but the owner, with whose rights these run.
do $functions$
declare
  kind record;
begin
  for kind in select * from (values
    ('acquire_lock', 'void', 'perform', 'pg_advisory_xact_lock'),
    ('acquire_shared_lock', 'void', 'perform', 'pg_advisory_xact_lock_shared'),
    ('try_lock', 'boolean', 'return', 'pg_try_advisory_xact_lock'),
    ('try_session_lock', 'boolean', 'return', 'pg_try_advisory_lock')
  ) as kinds (name, result, verb, original) loop
    execute format(
      'create function %I(name text) returns %s language plpgsql security definer as $body$
       begin
         %s pg_catalog.%I(%L::regnamespace::oid::integer, pg_catalog.hashtext(name));
       end
       $body$',
      kind.name, kind.result, kind.verb, kind.original, current_schema());
  end loop;
end
$functions$;

-- Only the owner records migrations.
do $$
declare
  grantee text;
begin
  for grantee in
    select rolname from pg_class, aclexplode(relacl) as acl join pg_roles on pg_roles.oid = acl.grantee
    where pg_class.oid = 'schema_migrations'::regclass and acl.grantee <> relowner
  loop
    execute format('revoke insert, update, delete on schema_migrations from %I', grantee);
  end loop;
end
$$;
