-- ---------------------------------------------------------------- accounts
-- Users, sessions, API keys and attempts to sign in.

-- Names of users and API keys have ASCII letters and digits only, because letters of other scripts look like these.
create function is_plain_name(value text) returns boolean
  language sql immutable strict parallel safe
  return value collate "C" ~ '^[A-Za-z0-9]+([ ._@+-][A-Za-z0-9]+)*$';

-- One form for plain names that look alike: I, l and 1; O, o and 0; rn and m; vv and w. Upper case is made lower.
create function look_of_name(value text) returns text
  language sql immutable strict parallel safe
  return lower(replace(replace(translate(value, 'I1O0', 'lloo'), 'rn', 'm'), 'vv', 'w') collate "C");

-- A trigger and not a check, so that users with other names from earlier versions still sign in.
create function refuse_odd_name() returns trigger language plpgsql as $$
begin
  if not is_plain_name(to_jsonb(new) ->> tg_argv[0]) then
    raise exception 'a name has letters A to Z, digits, and single . _ - @ + or spaces between them'
      using errcode = 'check_violation', constraint = tg_table_name || '_name_plain', table = tg_table_name;
  end if;
  return new;
end $$;

-- `password` is an Argon2id hash; a user with another value cannot sign in. A removed user keeps its row, so that a name
-- is never given twice: changes refer to users by name.
create table users (
  user_id    serial primary key,
  username   text collate "C" not null unique,
  password   text not null,
  role       text collate "C" not null default 'viewer'
             check (role in ('viewer', 'operator', 'auditor', 'admin')),
  created_at timestamptz not null default now(),
  removed_at timestamptz
);
create unique index users_name_case on users (lower(username));
create unique index users_name_look on users (look_of_name(username));
create trigger plain_name before insert or update of username on users
  for each row execute function refuse_odd_name('username');
call record_changes_of('users', 'user_id::bigint');

-- Sessions of signed-in users. Only the SHA-256 of a token is stored.
create table sessions (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  user_id    int not null references users on delete cascade,
  created_at timestamptz not null default now(),
  seen_at    timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index on sessions (user_id, expires_at);
call record_changes_of('sessions', 'user_id::bigint', 'token_hash, user_id, created_at, expires_at, revoked_at');

create table api_keys (
  api_key_id   serial primary key,
  name         text collate "C" not null unique check (btrim(name) <> ''),
  key_hash     bytea not null unique check (octet_length(key_hash) = 32),
  role         text collate "C" not null check (role in ('viewer', 'operator', 'auditor', 'admin')),
  created_by   text collate "C" not null default current_actor(),
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null,
  revoked_at   timestamptz,
  last_used_at timestamptz
);
create unique index api_keys_name_case on api_keys (lower(name));
create unique index api_keys_name_look on api_keys (look_of_name(name));
create trigger plain_name before insert or update of name on api_keys
  for each row execute function refuse_odd_name('name');
call record_changes_of('api_keys', 'api_key_id::bigint',
  'api_key_id, name, key_hash, role, created_by, created_at, expires_at, revoked_at');

-- Sign-ins that failed or are in progress. Users sometimes type a password as their name, so only its hash is stored.
create table sign_in_attempts (
  attempt_id    bigserial primary key,
  username_hash bytea not null,
  address       text collate "C" not null,
  at            timestamptz not null default clock_timestamp()
);
create index on sign_in_attempts (username_hash, at);
create index on sign_in_attempts (address, at);
create index on sign_in_attempts (at);
