-- ---------------------------------------------------------------- idempotency keys

-- One row for each request with an idempotency key: another request of the actor with this key and input returns the same
-- object. The server removes rows that are older than IDEMPOTENCY_HOURS.
create table idempotency_keys (
  actor      text collate "C" not null default current_actor(),
  key        text collate "C" not null check (length(key) between 1 and 200),
  mutation   text collate "C" not null,
  input_hash bytea not null,
  objects    jsonb not null default '{}',
  created_at timestamptz not null default now(),
  primary key (actor, key)
);
create index on idempotency_keys (created_at);
