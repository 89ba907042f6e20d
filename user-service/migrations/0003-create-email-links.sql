-- Links that were mailed because of an e-mail address: to the proposed address (confirmation), or to the former one (restoration).
create table email_links (
  id uuid primary key,
  kind text not null check (kind in ('confirmation', 'restoration')),
  user_id text not null,
  -- the address that the link was mailed to, and that it makes the user's
  email text not null,
  -- SHA-256 of the token; null until the link is mailed
  token_hash text unique,
  created_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz(3) not null
);
create unique index email_links_confirmation on email_links (user_id) where kind = 'confirmation';
create index email_links_user_id on email_links (user_id, created_at);
create index email_links_email on email_links (email) where kind = 'restoration';
create index email_links_expires_at on email_links (expires_at);

-- Whether the address was changed since the account is known. Such an address counts only once it is verified.
alter table users add column email_changed boolean not null default false;

alter table mails drop constraint mails_purpose_check;
-- The recipient of the last two is the id of a row of email_links.
alter table mails add constraint mails_purpose_check
  check (purpose in ('password_reset', 'verify_email', 'confirm_email', 'restore_email'));
