-- Accounts that user-service is creating in Keycloak. A row that is left over belongs to a creation that was interrupted.
create table account_creations (
  id uuid primary key,
  username text not null,
  email text not null,
  created_at timestamptz(3) not null default clock_timestamp()
);
create index account_creations_username on account_creations (username);
create index account_creations_email on account_creations (email);
create index account_creations_created_at on account_creations (created_at);

alter table users
  -- the username is an e-mail address that was the user's: another user may have it now
  add column has_former_address boolean not null default false,
  -- the role of users who sign up was granted, or withheld, once; nobody who was here before gets it
  add column sign_up_role_decided boolean not null default true;
alter table users alter column sign_up_role_decided set default false;

update users set has_former_address = true
where deleted_at is null and username like '%@%' and email is not null and username <> email;
