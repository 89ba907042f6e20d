-- Why an event was given up; null for events that were handled.
alter table keycloak_events add column given_up_reason text;
create index keycloak_events_given_up on keycloak_events (occurred_at) where given_up_reason is not null;

-- Which client has which service account: the account is gone when the client was deleted.
create table service_accounts (
  user_id text primary key,
  -- service-account-<client id>
  username text not null,
  -- Keycloak's own id of the client; null until an event has shown it
  client_key text
);
create index service_accounts_client_key on service_accounts (client_key);
create index service_accounts_username on service_accounts (username);

-- Roles and groups of a user whom Keycloak refuses to disable: taken from the user in Keycloak until the user is enabled again.
alter table users add column withheld jsonb;
