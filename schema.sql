-- cacaotrace: the truth of the database. PostgreSQL 14 to 18, UTF-8.
--   psql -f schema.sql        applies it to an empty database, in one transaction
-- Text columns are COLLATE "C": one order on every server, so that a cursor or an index
-- means the same after an upgrade of the operating system's locale files.
begin;

create extension if not exists unaccent;
create extension if not exists pg_trgm;

-- ---------------------------------------------------------------- rules as functions

-- What `contains` compares: compatibility-composed, without accents, in lower case.
-- unaccent() is only STABLE because its dictionary can be replaced; this schema does not.
create function search_key(value text) returns text
  language sql immutable strict parallel safe
  return lower(unaccent('unaccent'::regdictionary, normalize(value, NFKC)) collate pg_catalog."default");

-- GS1 General Specifications, 7.9: weights 3 and 1 from the right, the check digit's own is 1.
-- Stored as GTIN-14, so that 8, 12, 13 and 14 digits of one item are one key.
create function is_gtin14(value text) returns boolean
  language sql immutable strict parallel safe
  return value ~ '^[0-9]{14}$' and (
    select sum(substr(value, i, 1)::int * case when i % 2 = 1 then 3 else 1 end) % 10 = 0
    from generate_series(1, 14) i);

-- ISO 3166-1 alpha-2.
create function is_country(value text) returns boolean
  language sql immutable strict parallel safe
  return value = any (string_to_array(
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY '
    'BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK '
    'FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR '
    'IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK '
    'ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM '
    'PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF '
    'TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW', ' '));

-- Who writes, as the writer of the transaction says; a client of SQL that says nothing is named by its role.
-- It is a record among those who may write, not a proof against them.
create function current_actor() returns text
  language sql stable parallel safe
  return coalesce(nullif(current_setting('cacaotrace.actor', true), ''), 'sql:' || session_user);

-- ---------------------------------------------------------------- parties

create table manufacturers (
  manufacturer_id serial primary key,
  name            text collate "C" not null check (btrim(name) <> ''),
  location        text collate "C" not null,
  country         text collate "C" check (is_country(country))
);
create index on manufacturers (name, manufacturer_id);
create index on manufacturers (country, manufacturer_id);
create index manufacturers_name_search on manufacturers using gin (search_key(name) gin_trgm_ops);

create table suppliers (
  supplier_id    serial primary key,
  name           text collate "C" not null check (btrim(name) <> ''),
  location       text collate "C" not null,
  contact_person text collate "C",
  country        text collate "C" check (is_country(country)),
  -- The name of this party in the system it was imported from; several cooperatives share one name.
  external_id    text collate "C" unique
);
create index on suppliers (name, supplier_id);
create index on suppliers (country, supplier_id);
create index suppliers_name_search on suppliers using gin (search_key(name) gin_trgm_ops);

create table certificates (
  certificate_id serial primary key,
  supplier_id    int not null references suppliers,
  scheme         text collate "C" not null check (btrim(scheme) <> ''),
  number         text collate "C" not null check (btrim(number) <> ''),
  scope          text collate "C",
  valid_from     date not null,
  valid_to       date not null,
  check (valid_to >= valid_from),
  unique (scheme, number)
);
create index on certificates (supplier_id, certificate_id);
create index on certificates (valid_to, certificate_id);

create table plots (
  plot_id       serial primary key,
  supplier_id   int not null references suppliers,
  name          text collate "C" not null check (btrim(name) <> ''),
  producer_name text collate "C",
  country       text collate "C" not null check (is_country(country)),
  area_ha       numeric(12, 4) not null check (area_ha > 0),
  -- RFC 7946 geometry in WGS 84: a Point below 4 ha, else a Polygon (EUDR, Article 2(28)).
  geometry      jsonb check (jsonb_typeof(geometry) = 'object'
                             and geometry ->> 'type' in ('Point', 'Polygon', 'MultiPolygon')),
  unique (supplier_id, name)
);
create index on plots (supplier_id, plot_id);
create index on plots (country, plot_id);

-- ---------------------------------------------------------------- lots

create table cacao_batches (
  cacao_batch_id  serial primary key,
  supplier_id     int not null references suppliers,
  harvest_date    date check (isfinite(harvest_date)),
  quantity        numeric(14, 3) not null check (quantity > 0),
  certification   text collate "C",
  stage           text collate "C" not null default 'beans'
                  check (stage in ('beans', 'nibs', 'liquor', 'butter', 'powder', 'couverture')),
  lot_number      text collate "C" check (btrim(lot_number) <> ''),
  production_date date check (isfinite(production_date)),
  -- Only beans are harvested; everything later is produced.
  constraint cacao_batches_beans_harvested check (stage <> 'beans' or harvest_date is not null),
  constraint cacao_batches_produced_after_harvest check (production_date >= harvest_date),
  unique (supplier_id, lot_number)
);
create index on cacao_batches (supplier_id, cacao_batch_id);
create index on cacao_batches (harvest_date, cacao_batch_id);
create index on cacao_batches (quantity, cacao_batch_id);
create index on cacao_batches (certification, cacao_batch_id);
create index on cacao_batches (stage, cacao_batch_id);
create index on cacao_batches (lot_number, cacao_batch_id);

create table products (
  product_id      serial primary key,
  name            text collate "C" not null check (btrim(name) <> ''),
  description     text collate "C",
  manufacturer_id int references manufacturers,
  batch_number    text collate "C" check (btrim(batch_number) <> ''),
  gtin            text collate "C" check (is_gtin14(gtin)),
  cocoa_percent   numeric(4, 1) check (cocoa_percent between 0 and 100),
  production_date date check (isfinite(production_date)),
  unique (gtin, batch_number)
);
create index on products (manufacturer_id, product_id);
create index on products (name, product_id);
create index on products (batch_number, product_id);
create index on products (gtin, product_id);
create index on products (cocoa_percent, product_id);
create index on products (production_date, product_id);
create index products_name_search on products using gin (search_key(name) gin_trgm_ops);

-- ---------------------------------------------------------------- edges

-- kg of a batch that went into a product; NULL where the first design never recorded it.
create table product_cacao_batch (
  product_id     int not null references products,
  cacao_batch_id int not null references cacao_batches,
  quantity_kg    numeric(14, 3) check (quantity_kg > 0),
  -- When this was made known, for a trace as of a time: the edge itself says nothing of the day it came about.
  record_time    timestamptz not null default now(),
  primary key (product_id, cacao_batch_id)
);
create index on product_cacao_batch (cacao_batch_id, product_id);

-- kg of one batch that went into another: many inputs to a lot, many outputs from one.
create table cacao_batch_input (
  output_batch_id int not null references cacao_batches,
  input_batch_id  int not null references cacao_batches,
  quantity_kg     numeric(14, 3) not null check (quantity_kg > 0),
  record_time     timestamptz not null default now(),
  primary key (output_batch_id, input_batch_id),
  check (output_batch_id <> input_batch_id)
);
create index on cacao_batch_input (input_batch_id, output_batch_id);

create table cacao_batch_plot (
  cacao_batch_id int not null references cacao_batches,
  plot_id        int not null references plots,
  quantity_kg    numeric(14, 3) check (quantity_kg > 0),
  primary key (cacao_batch_id, plot_id)
);
create index on cacao_batch_plot (plot_id, cacao_batch_id);

-- ---------------------------------------------------------------- due diligence

create table due_diligence_statements (
  statement_id        serial primary key,
  reference_number    text collate "C" not null unique check (btrim(reference_number) <> ''),
  verification_number text collate "C",
  submitted_on        date not null
);
create index on due_diligence_statements (submitted_on, statement_id);

create table product_statement (
  product_id   int not null references products,
  statement_id int not null references due_diligence_statements,
  primary key (product_id, statement_id)
);
create index on product_statement (statement_id, product_id);

create table cacao_batch_statement (
  cacao_batch_id int not null references cacao_batches,
  statement_id   int not null references due_diligence_statements,
  primary key (cacao_batch_id, statement_id)
);
create index on cacao_batch_statement (statement_id, cacao_batch_id);

-- ---------------------------------------------------------------- events

create table transactions (
  transaction_id bigserial primary key,
  product_id     int references products,
  cacao_batch_id int references cacao_batches,
  "timestamp"    timestamptz not null default now() check (isfinite("timestamp")),
  event          text collate "C" not null check (btrim(event) <> ''),
  details        jsonb,
  event_id       text collate "C" unique,
  record_time    timestamptz not null default now(),
  recorded_by    text collate "C" default current_actor(),
  constraint transactions_one_subject check (num_nonnulls(product_id, cacao_batch_id) = 1)
);
create index on transactions (product_id, transaction_id) where product_id is not null;
create index on transactions (cacao_batch_id, transaction_id) where cacao_batch_id is not null;
create index on transactions ("timestamp", transaction_id);
create index on transactions (event, transaction_id);

-- ---------------------------------------------------------------- people and requests

-- `password` is an Argon2id hash; nobody can sign in by anything else that stands there.
-- Who was removed stays, so that no name is given twice: what is recorded names who wrote by it.
create table users (
  user_id    serial primary key,
  username   text collate "C" not null unique,
  password   text not null,
  role       text collate "C" not null default 'viewer'
             check (role in ('viewer', 'operator', 'auditor', 'admin')),
  created_at timestamptz not null default now(),
  removed_at timestamptz
);

-- Who is signed in. The token itself is nowhere: its SHA-256 is enough to know it again.
create table sessions (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  user_id    int not null references users on delete cascade,
  created_at timestamptz not null default now(),
  seen_at    timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index on sessions (user_id, expires_at);

create table api_keys (
  api_key_id   serial primary key,
  name         text collate "C" not null unique check (btrim(name) <> ''),
  key_hash     bytea not null unique check (octet_length(key_hash) = 32),
  role         text collate "C" not null check (role in ('viewer', 'operator', 'auditor', 'admin')),
  created_by   text collate "C" not null default current_actor(),
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null check (isfinite(expires_at)),
  revoked_at   timestamptz,
  last_used_at timestamptz
);

-- Sign-ins that failed, or are being tried. What was typed as a name may be a password: only its hash is kept.
create table sign_in_attempts (
  attempt_id    bigserial primary key,
  username_hash bytea not null,
  address       text collate "C" not null,
  at            timestamptz not null default clock_timestamp()
);
create index on sign_in_attempts (username_hash, at);
create index on sign_in_attempts (address, at);
create index on sign_in_attempts (at);

-- One row a request that named a key: the same key with the same input answers with the same object.
create table idempotency_keys (
  key        text collate "C" primary key check (length(key) between 1 and 200),
  mutation   text collate "C" not null,
  input_hash bytea not null,
  objects    jsonb not null default '{}',
  created_at timestamptz not null default now()
);

-- ---------------------------------------------------------------- matter adds up

create function check_batches_not_overdrawn(batch_ids int[]) returns void language plpgsql as $$
declare
  overdrawn record;
begin
  -- Its snapshot would be older than what the locks below wait for.
  if current_setting('transaction_isolation') = 'repeatable read' then
    raise exception 'uses of cacao batches are written under READ COMMITTED or SERIALIZABLE'
      using errcode = 'feature_not_supported';
  end if;
  -- Writers to one batch wait for each other here; the sum below then sees what the earlier one committed.
  perform 1 from cacao_batches b where b.cacao_batch_id = any (batch_ids)
    order by b.cacao_batch_id for no key update;
  select b.cacao_batch_id, b.quantity, u.kg into overdrawn
    from cacao_batches b
    cross join lateral (
      select coalesce(sum(x.kg), 0) as kg from (
        select p.quantity_kg as kg from product_cacao_batch p where p.cacao_batch_id = b.cacao_batch_id
        union all
        select i.quantity_kg from cacao_batch_input i where i.input_batch_id = b.cacao_batch_id) x) u
    where b.cacao_batch_id = any (batch_ids) and u.kg > b.quantity
    order by b.cacao_batch_id limit 1;
  if found then
    raise exception 'cacao batch % holds % kg, its uses add up to % kg',
        overdrawn.cacao_batch_id, overdrawn.quantity, overdrawn.kg
      using errcode = 'check_violation', constraint = 'cacao_batch_not_overdrawn', table = 'cacao_batches';
  end if;
end $$;

create function refuse_overdrawn_product_use() returns trigger language plpgsql as $$
begin
  perform check_batches_not_overdrawn(array(
    select distinct cacao_batch_id from changed where quantity_kg is not null));
  return null;
end $$;
create function refuse_overdrawn_batch_use() returns trigger language plpgsql as $$
begin
  perform check_batches_not_overdrawn(array(select distinct input_batch_id from changed));
  return null;
end $$;
create function refuse_overdrawn_quantity() returns trigger language plpgsql as $$
begin
  perform check_batches_not_overdrawn(array[new.cacao_batch_id]);
  return null;
end $$;

create trigger not_overdrawn_on_insert after insert on product_cacao_batch
  referencing new table as changed for each statement execute function refuse_overdrawn_product_use();
create trigger not_overdrawn_on_update after update on product_cacao_batch
  referencing new table as changed for each statement execute function refuse_overdrawn_product_use();
create trigger not_overdrawn_on_insert after insert on cacao_batch_input
  referencing new table as changed for each statement execute function refuse_overdrawn_batch_use();
create trigger not_overdrawn_on_update after update on cacao_batch_input
  referencing new table as changed for each statement execute function refuse_overdrawn_batch_use();
create trigger not_overdrawn_on_shrink after update of quantity on cacao_batches
  for each row when (new.quantity < old.quantity) execute function refuse_overdrawn_quantity();

-- ---------------------------------------------------------------- events are append-only

create function refuse_change_of_events() returns trigger language plpgsql as $$
begin
  raise exception 'transactions are append-only: record a correcting event instead of % on it', tg_op
    using errcode = 'restrict_violation', constraint = 'transactions_append_only', table = 'transactions';
end $$;
create trigger append_only before update or delete on transactions
  for each row execute function refuse_change_of_events();
create trigger append_only_truncate before truncate on transactions
  for each statement execute function refuse_change_of_events();

-- ---------------------------------------------------------------- who changed what

-- One row a statement: `keys` are the primary keys of its rows, pairs where the key is one; of sessions, whose
-- key is what is kept of a token, the numbers of the users.
create table changes (
  change_id bigserial primary key,
  at        timestamptz not null default now(),
  actor     text collate "C" not null default current_actor(),
  relation  text collate "C" not null,
  operation text collate "C" not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  keys      bigint[] not null
);
create index on changes (relation, change_id);
create index on changes (actor, change_id);

create function record_change() returns trigger language plpgsql as $$
begin
  execute format('insert into changes (relation, operation, keys)
    select %L, %L, array_agg(%s) from changed having count(*) > 0', tg_table_name, tg_op, tg_argv[0]);
  return null;
end $$;
create function record_change_of_row() returns trigger language plpgsql as $$
begin
  execute format('insert into changes (relation, operation, keys) select %L, %L, array[($1).%s]',
    tg_table_name, tg_op, tg_argv[0]) using new;
  return null;
end $$;
create function record_truncate() returns trigger language plpgsql as $$
begin
  insert into changes (relation, operation, keys) values (tg_table_name, tg_op, '{}');
  return null;
end $$;

do $$
declare
  recorded record;
begin
  for recorded in select * from (values
    ('manufacturers', 'manufacturer_id::bigint'),
    ('suppliers', 'supplier_id::bigint'),
    ('certificates', 'certificate_id::bigint'),
    ('plots', 'plot_id::bigint'),
    ('cacao_batches', 'cacao_batch_id::bigint'),
    ('products', 'product_id::bigint'),
    ('product_cacao_batch', 'array[product_id, cacao_batch_id]::bigint[]'),
    ('cacao_batch_input', 'array[output_batch_id, input_batch_id]::bigint[]'),
    ('cacao_batch_plot', 'array[cacao_batch_id, plot_id]::bigint[]'),
    ('due_diligence_statements', 'statement_id::bigint'),
    ('product_statement', 'array[product_id, statement_id]::bigint[]'),
    ('cacao_batch_statement', 'array[cacao_batch_id, statement_id]::bigint[]'),
    ('transactions', 'transaction_id'),
    ('users', 'user_id::bigint'),
    ('api_keys', 'api_key_id::bigint'),
    ('sessions', 'user_id::bigint')) t (name, key)
  loop
    execute format('create trigger recorded_insert after insert on %I referencing new table as changed
      for each statement execute function record_change(%L)', recorded.name, recorded.key);
    execute format('create trigger recorded_delete after delete on %I referencing old table as changed
      for each statement execute function record_change(%L)', recorded.name, recorded.key);
    execute format('create trigger recorded_truncate before truncate on %I
      for each statement execute function record_truncate()', recorded.name);
    -- When a key or a session was last used is no change of it, and a list of columns knows no transition table.
    if recorded.name = 'api_keys' then
      create trigger recorded_update
        after update of api_key_id, name, key_hash, role, created_by, created_at, expires_at, revoked_at on api_keys
        for each row execute function record_change_of_row('api_key_id::bigint');
    elsif recorded.name = 'sessions' then
      create trigger recorded_update
        after update of token_hash, user_id, created_at, expires_at, revoked_at on sessions
        for each row execute function record_change_of_row('user_id::bigint');
    else
      execute format('create trigger recorded_update after update on %I referencing new table as changed
        for each statement execute function record_change(%L)', recorded.name, recorded.key);
    end if;
  end loop;
end $$;

create function refuse_change_of_changes() returns trigger language plpgsql as $$
begin
  raise exception 'what was recorded of changes stays as it is'
    using errcode = 'restrict_violation', constraint = 'changes_append_only', table = 'changes';
end $$;
create trigger append_only before update or delete on changes
  for each row execute function refuse_change_of_changes();
create trigger append_only_truncate before truncate on changes
  for each statement execute function refuse_change_of_changes();

commit;
