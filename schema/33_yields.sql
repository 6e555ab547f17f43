-- ---------------------------------------------------------------- yields
-- Rows that schema.sql inserts are written before their table records changes.

-- The kilograms of a later stage that one kilogram of an earlier stage yields, by a certification scheme and a period.
create table conversion_factors (
  conversion_factor_id serial primary key,
  from_stage           text collate "C" not null
                       check (is_stage(from_stage)),
  to_stage             text collate "C" not null
                       check (is_stage(to_stage)),
  factor               numeric not null check (factor > 0)
                       constraint conversion_factors_factor_exact check (is_decimal(factor, 3, 5)),
  scheme               text collate "C" not null check (btrim(scheme) <> ''),
  source               text collate "C" not null check (btrim(source) <> ''),
  valid_from           date not null,
  valid_to             date,
  check (from_stage <> to_stage),
  check (valid_to >= valid_from),
  unique (from_stage, to_stage, scheme, valid_from)
);
insert into conversion_factors (from_stage, to_stage, factor, scheme, source, valid_from, valid_to) values
  ('beans', 'liquor', 0.82, 'UTZ', 'UTZ, How to calculate the cocoa bean equivalent, June 2016', '2016-06-01', null),
  ('beans', 'butter', 0.82, 'UTZ', 'UTZ, How to calculate the cocoa bean equivalent, June 2016', '2016-06-01', '2017-12-31'),
  ('beans', 'powder', 0.82, 'UTZ', 'UTZ, How to calculate the cocoa bean equivalent, June 2016', '2016-06-01', '2017-12-31'),
  ('liquor', 'butter', 0.5, 'UTZ', 'UTZ, mass balance from January 2018: liquor is split into as much butter as powder', '2018-01-01', null),
  ('liquor', 'powder', 0.5, 'UTZ', 'UTZ, mass balance from January 2018: liquor is split into as much butter as powder', '2018-01-01', null);
call keep_texts_normal('conversion_factors', '{scheme}');
call record_changes_of('conversion_factors', 'conversion_factor_id::bigint');

-- One row of settings. `yields` is what happens to a batch that gave more than its inputs yield.
create table matter_rules (
  matter_rules_id int primary key default 1 check (matter_rules_id = 1),
  yields          text collate "C" not null default 'flag' check (yields in ('ignore', 'flag', 'refuse'))
);
insert into matter_rules default values;
call record_changes_of('matter_rules', 'matter_rules_id::bigint');

-- Validation flags: rows that were accepted although they break a rule.
create table flags (
  flag_id        bigserial primary key,
  cacao_batch_id int not null references cacao_batches,
  rule           text collate "C" not null check (rule in ('yield')),
  message        text collate "C" not null,
  record_time    timestamptz not null default now(),
  recorded_by    text collate "C" default current_actor(),
  unique (cacao_batch_id, rule)
);
create index on flags (cacao_batch_id, flag_id);
