-- Exact values: what commit 0e95079 and those before it changed in the schema of commit 50d0e70.

-- ---------------------------------------------------------------- functions

do $$
declare
  extension text := (select quote_ident(n.nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'unaccent');
  steps text := '';
  part record;
begin
  for part in
    with letters as (
      select code, code + distance as folded,
        case when code < 223 then 'Latin-1' when code between 880 and 1023 then 'Greek'
          when code between 1024 and 1071 then 'Cyrillic' else 'other' end as script
      from (values
    (192, 214, 1, 32), (216, 222, 1, 32), (256, 302, 2, 1), (308, 310, 2, 1), (313, 317, 2, 1),
    (321, 327, 2, 1), (330, 374, 2, 1), (376, 376, 1, -121), (377, 381, 2, 1), (385, 385, 1, 210),
    (386, 388, 2, 1), (390, 390, 1, 206), (391, 391, 1, 1), (393, 394, 1, 205), (395, 395, 1, 1),
    (398, 398, 1, 79), (399, 399, 1, 202), (400, 400, 1, 203), (401, 401, 1, 1), (403, 403, 1, 205),
    (404, 404, 1, 207), (406, 406, 1, 211), (407, 407, 1, 209), (408, 408, 1, 1), (412, 412, 1, 211),
    (413, 413, 1, 213), (415, 415, 1, 214), (416, 420, 2, 1), (422, 422, 1, 218), (423, 423, 1, 1),
    (425, 425, 1, 218), (428, 428, 1, 1), (430, 430, 1, 218), (431, 431, 1, 1), (433, 434, 1, 217),
    (435, 437, 2, 1), (439, 439, 1, 219), (440, 440, 1, 1), (444, 444, 1, 1), (461, 475, 2, 1),
    (478, 494, 2, 1), (500, 500, 1, 1), (502, 502, 1, -97), (503, 503, 1, -56), (504, 542, 2, 1),
    (544, 544, 1, -130), (546, 562, 2, 1), (570, 570, 1, 10795), (571, 571, 1, 1), (573, 573, 1, -163),
    (574, 574, 1, 10792), (577, 577, 1, 1), (579, 579, 1, -195), (580, 580, 1, 69), (581, 581, 1, 71),
    (582, 590, 2, 1), (837, 837, 1, 116), (880, 882, 2, 1), (886, 886, 1, 1), (895, 895, 1, 116),
    (902, 902, 1, 38), (904, 906, 1, 37), (908, 908, 1, 64), (910, 911, 1, 63), (913, 929, 1, 32),
    (931, 939, 1, 32), (962, 962, 1, 1), (975, 975, 1, 8), (984, 1006, 2, 1), (1015, 1015, 1, 1),
    (1018, 1018, 1, 1), (1021, 1023, 1, -130), (1024, 1039, 1, 80), (1040, 1071, 1, 32), (1120, 1152, 2, 1),
    (1162, 1214, 2, 1), (1216, 1216, 1, 15), (1217, 1229, 2, 1), (1232, 1326, 2, 1), (1329, 1366, 1, 48),
    (4256, 4293, 1, 7264), (4295, 4295, 1, 7264), (4301, 4301, 1, 7264), (5112, 5117, 1, -8), (7296, 7296, 1, -6222),
    (7297, 7297, 1, -6221), (7298, 7298, 1, -6212), (7299, 7300, 1, -6210), (7301, 7301, 1, -6211), (7302, 7302, 1, -6204),
    (7303, 7303, 1, -6180), (7304, 7304, 1, 35267), (7312, 7354, 1, -3008), (7357, 7359, 1, -3008), (7680, 7828, 2, 1),
    (7838, 7838, 1, -7615), (7840, 7934, 2, 1), (7944, 7951, 1, -8), (7960, 7965, 1, -8), (7976, 7983, 1, -8),
    (7992, 7999, 1, -8), (8008, 8013, 1, -8), (8025, 8031, 2, -8), (8040, 8047, 1, -8), (8072, 8079, 1, -8),
    (8088, 8095, 1, -8), (8104, 8111, 1, -8), (8120, 8121, 1, -8), (8122, 8122, 1, -74), (8124, 8124, 1, -9),
    (8136, 8138, 2, -86), (8140, 8140, 1, -9), (8152, 8153, 1, -8), (8154, 8154, 1, -100), (8168, 8169, 1, -8),
    (8170, 8170, 1, -112), (8172, 8172, 1, -7), (8184, 8184, 1, -128), (8186, 8186, 1, -126), (8188, 8188, 1, -9),
    (8498, 8498, 1, 28), (8579, 8579, 1, 1), (11264, 11311, 1, 48), (11360, 11360, 1, 1), (11362, 11362, 1, -10743),
    (11363, 11363, 1, -3814), (11364, 11364, 1, -10727), (11367, 11371, 2, 1), (11373, 11373, 1, -10780), (11374, 11374, 1, -10749),
    (11375, 11375, 1, -10783), (11376, 11376, 1, -10782), (11378, 11378, 1, 1), (11381, 11381, 1, 1), (11390, 11391, 1, -10815),
    (11392, 11490, 2, 1), (11499, 11501, 2, 1), (11506, 11506, 1, 1), (42560, 42604, 2, 1), (42624, 42650, 2, 1),
    (42786, 42798, 2, 1), (42802, 42862, 2, 1), (42873, 42875, 2, 1), (42877, 42877, 1, -35332), (42878, 42886, 2, 1),
    (42891, 42891, 1, 1), (42893, 42893, 1, -42280), (42896, 42898, 2, 1), (42902, 42920, 2, 1), (42922, 42922, 1, -42308),
    (42923, 42923, 1, -42319), (42924, 42924, 1, -42315), (42925, 42925, 1, -42305), (42926, 42926, 1, -42308), (42928, 42928, 1, -42258),
    (42929, 42929, 1, -42282), (42930, 42930, 1, -42261), (42931, 42931, 1, 928), (42932, 42946, 2, 1), (42948, 42948, 1, -48),
    (42949, 42949, 1, -42307), (42950, 42950, 1, -35384), (42951, 42953, 2, 1), (42960, 42960, 1, 1), (42966, 42968, 2, 1),
    (42997, 42997, 1, 1), (43888, 43967, 1, -38864), (66560, 66599, 1, 40), (66736, 66771, 1, 40), (66928, 66938, 1, 39),
    (66940, 66954, 1, 39), (66956, 66962, 1, 39), (66964, 66965, 1, 39), (68736, 68786, 1, 64), (71840, 71871, 1, 32),
    (93760, 93791, 1, 32), (125184, 125217, 1, 34)
      ) runs (first, last, step, distance) cross join lateral generate_series(first, last, step) code)
    select string_agg(chr(code), '' order by code) as letters, string_agg(chr(folded), '' order by code) as folded
    from letters group by script order by script
  loop
    steps := steps || format(E'  if key ~ %L then\n    key := translate(key, %L, %L);\n  end if;\n',
      '[' || part.letters || ']', part.letters, part.folded);
  end loop;
  execute format($function$
create or replace function search_key(value text) returns text
  language plpgsql immutable strict parallel safe as %L$function$, format($body$
declare
  key text;
begin
  if octet_length(value) = char_length(value) then
    return lower(value collate "C");
  end if;
  key := lower(normalize(value, NFKC) collate "C");
%2$s  return lower(%1$s.unaccent('%1$s.unaccent'::regdictionary, key) collate "C");
end $body$, extension, steps));
end $$;

create or replace function normal_text(value text) returns text
  language sql immutable strict parallel safe
  return normalize(btrim(regexp_replace(regexp_replace(value,
      '[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]'
      '|(?<![\u0600-\u0dff\u1000-\u109f\u1780-\u17ff])[\u200c\u200d]', '', 'g'),
    '[\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u3164\uffa0]+', ' ', 'g'), ' '), NFC);

create or replace function is_normal_text(value text) returns boolean
  language sql immutable parallel safe
  return value is null or value ~ '^[!-~]+( [!-~]+)*$' or value = normal_text(value);

create or replace function same_scheme(one text, other text) returns boolean
  language sql immutable parallel safe
  return one = other or search_key(one) = search_key(other);

create or replace function is_decimal(value numeric, digits int, decimals int) returns boolean
  language sql immutable parallel safe
  return abs(value) < 10::numeric ^ digits and value = round(value, decimals);

create or replace function is_plain_name(value text) returns boolean
  language sql immutable strict parallel safe
  return value collate "C" ~ '^[A-Za-z0-9]+([ ._@+-][A-Za-z0-9]+)*$';

create or replace function look_of_name(value text) returns text
  language sql immutable strict parallel safe
  return lower(replace(replace(translate(value, 'I1O0', 'lloo'), 'rn', 'm'), 'vv', 'w') collate "C");

create or replace function refuse_odd_name() returns trigger language plpgsql as $$
begin
  if not is_plain_name(to_jsonb(new) ->> tg_argv[0]) then
    raise exception 'a name has letters A to Z, digits, and single . _ - @ + or spaces between them'
      using errcode = 'check_violation', constraint = tg_table_name || '_name_plain', table = tg_table_name;
  end if;
  return new;
end $$;

create or replace function check_yields(batch_ids int[]) returns void language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  -- Most lots were made of nothing, or gave nothing yet.
  judged int[] := array(select distinct b.id from unnest(batch_ids) b (id)
    where exists (select from cacao_batch_input i where i.output_batch_id = b.id)
      and (exists (select from product_cacao_batch p where p.cacao_batch_id = b.id)
        or exists (select from cacao_batch_input i where i.input_batch_id = b.id)
        or exists (select from losses l where l.cacao_batch_id = b.id)));
  rule text;
  beyond record;
begin
  if judged = '{}' then
    return;
  end if;
  rule := coalesce((select r.yields from matter_rules r), 'flag');
  if rule = 'ignore' then
    return;
  end if;
  for beyond in
    select y.cacao_batch_id, format('cacao batch %s gave %s kg, its inputs yield %s kg',
        y.cacao_batch_id, round(d.kg, 3), y.yield_kg) as message
      from unnest(judged) b (id)
      -- OFFSET keeps the view within: joined from without, it would be made up of all lots there are.
      cross join lateral (select * from cacao_batch_yields v where v.cacao_batch_id = b.id offset 0) y
      cross join lateral (
        select sum(x.quantity_kg) as kg from cacao_batch_draws x where x.cacao_batch_id = b.id offset 0) d
      where d.kg > y.yield_kg
      order by y.cacao_batch_id
  loop
    if rule = 'refuse' then
      raise exception '%', beyond.message
        using errcode = 'check_violation', constraint = 'cacao_batch_not_beyond_yield', table = 'cacao_batches';
    end if;
    insert into flags (cacao_batch_id, rule, message) values (beyond.cacao_batch_id, 'yield', beyond.message)
      on conflict do nothing;
  end loop;
end $$;

create or replace function check_batches_not_overdrawn(batch_ids int[], using_it boolean, output_ids int[] default '{}')
  returns void language plpgsql as $$
declare
  held int;
  overdrawn record;
begin
  perform refuse_old_snapshot();
  -- Writers to one batch wait for each other here; what follows then sees what the earlier one committed.
  select min(b.cacao_batch_id) filter (where b.on_hold) into held from (
    select l.cacao_batch_id, l.on_hold from cacao_batches l where l.cacao_batch_id = any (batch_ids || output_ids)
    order by l.cacao_batch_id for no key update) b;
  if using_it and held is not null then
    select min(b.cacao_batch_id) into held from cacao_batches b
      where b.cacao_batch_id = any (batch_ids) and b.on_hold;
    if held is not null then
      raise exception 'cacao batch % is on hold', held
        using errcode = 'check_violation', constraint = 'cacao_batch_not_on_hold', table = 'cacao_batches';
    end if;
  end if;
  select b.cacao_batch_id, b.quantity, u.kg into overdrawn
    from cacao_batches b
    cross join lateral (select coalesce(sum(d.quantity_kg), 0) as kg
      from cacao_batch_draws d where d.cacao_batch_id = b.cacao_batch_id) u
    where b.cacao_batch_id = any (batch_ids) and u.kg > b.quantity
    order by b.cacao_batch_id limit 1;
  if found then
    raise exception 'cacao batch % holds % kg, its uses and losses add up to % kg',
        overdrawn.cacao_batch_id, round(overdrawn.quantity, 3), round(overdrawn.kg, 3)
      using errcode = 'check_violation', constraint = 'cacao_batch_not_overdrawn', table = 'cacao_batches';
  end if;
end $$;

create or replace function check_batch_use() returns trigger language plpgsql as $$
declare
  used int[];
  outputs int[];
  made_before int[];
begin
  if tg_op = 'INSERT' then
    used := array(select distinct c.input_batch_id from changed c);
  else
    used := array(select distinct c.input_batch_id from changed c
      left join before b using (output_batch_id, input_batch_id)
      where b.output_batch_id is null or c.quantity_kg > b.quantity_kg);
  end if;
  outputs := array(select distinct c.output_batch_id from changed c);
  perform check_batches_not_overdrawn(used, true, outputs);
  -- Where nobody speaks of custody there is nothing to settle.
  if exists (select from cacao_batches b where b.cacao_batch_id = any (used || outputs) and b.custody is not null) then
    made_before := array(
      select i.output_batch_id from cacao_batch_input i left join changed c using (output_batch_id, input_batch_id)
      where i.output_batch_id = any (outputs) and c.output_batch_id is null);
    perform settle_custody(outputs, made_before);
    perform keep_origins(array(select b.cacao_batch_id from cacao_batches b
      where b.cacao_batch_id = any (outputs) and b.cacao_batch_id <> all (made_before)
        and b.custody = 'identity_preserved' and origin_of(b.cacao_batch_id) is distinct from b.supplier_id
        and exists (select from cacao_batch_input i left join changed c using (output_batch_id, input_batch_id)
                    where i.input_batch_id = b.cacao_batch_id and c.output_batch_id is null)));
  end if;
  perform check_yields(used || outputs);
  return null;
end $$;

create or replace function check_taken_back() returns trigger language plpgsql as $$
declare
  outputs int[] := array(select distinct b.output_batch_id from before b);
begin
  perform check_batches_not_overdrawn('{}', false, outputs);
  perform keep_origins(array(select b.cacao_batch_id from before d
    join cacao_batches b on b.cacao_batch_id = d.output_batch_id
    where b.custody = 'identity_preserved' and origin_of(d.input_batch_id) is distinct from b.supplier_id
      and not exists (select from cacao_batch_input i where i.output_batch_id = b.cacao_batch_id)));
  perform check_yields(outputs);
  return null;
end $$;

create or replace function check_loss() returns trigger language plpgsql as $$
declare
  lost int[] := array(select distinct cacao_batch_id from changed);
  below int;
begin
  perform check_batches_not_overdrawn(lost, false);
  select l.cacao_batch_id into below from losses l where l.cacao_batch_id = any (lost)
    group by l.cacao_batch_id having sum(l.quantity_kg) < 0 order by 1 limit 1;
  if found then
    raise exception 'cacao batch % would be given back more than it lost', below
      using errcode = 'check_violation', constraint = 'losses_not_below_zero', table = 'losses';
  end if;
  perform check_yields(lost);
  insert into transactions (cacao_batch_id, "timestamp", event, details)
    select c.cacao_batch_id, c."timestamp", 'lost',
      jsonb_build_object('reason', c.reason, 'quantityKg', round(c.quantity_kg, 3)::text, 'lossId', c.loss_id)
    from changed c order by c.loss_id;
  return null;
end $$;

create or replace function check_custody(batch_ids int[]) returns void language plpgsql as $$
declare
  wrong record;
begin
  perform refuse_old_snapshot();
  perform 1 from cacao_batches b where b.cacao_batch_id = any (batch_ids)
    order by b.cacao_batch_id for no key update;
  select b.cacao_batch_id, case
      when custody_rank(b.custody) > i.weakest then 'has an input of weaker custody'
      when b.custody = 'identity_preserved' and i.origins > 1 then 'would mix identity preserved lots of different origin'
      else 'has given to a lot of stronger custody' end as why into wrong
    from cacao_batches b
    cross join lateral (
      select min(custody_rank(s.custody)) as weakest,
        -- Nobody knows that two lots without a supplier are of one.
        count(distinct case when b.custody = 'identity_preserved'
          then coalesce(origin_of(s.cacao_batch_id), -s.cacao_batch_id) end) as origins
      from cacao_batch_input e join cacao_batches s on s.cacao_batch_id = e.input_batch_id
      where e.output_batch_id = b.cacao_batch_id) i
    cross join lateral (
      select max(custody_rank(t.custody)) as strongest
      from cacao_batch_input e join cacao_batches t on t.cacao_batch_id = e.output_batch_id
      where e.input_batch_id = b.cacao_batch_id) o
    where b.cacao_batch_id = any (batch_ids)
      and (custody_rank(b.custody) > i.weakest or custody_rank(b.custody) < o.strongest
        or b.custody = 'identity_preserved' and i.origins > 1)
    order by b.cacao_batch_id limit 1;
  if found then
    raise exception 'cacao batch % %', wrong.cacao_batch_id, wrong.why
      using errcode = 'check_violation', constraint = 'cacao_batch_custody_kept', table = 'cacao_batches';
  end if;
end $$;

create or replace function keep_periods_apart() returns trigger language plpgsql as $$
begin
  perform refuse_old_snapshot();
  perform 1 from suppliers s where s.supplier_id = new.supplier_id for no key update;
  perform 1 from manufacturers m where m.manufacturer_id = new.manufacturer_id for no key update;
  if exists (select from mass_balance_accounts a
             where a.account_id <> new.account_id and same_scheme(a.scheme, new.scheme)
               and (a.supplier_id = new.supplier_id or a.manufacturer_id = new.manufacturer_id)
               and a.period_from <= new.period_to and new.period_from <= a.period_to) then
    raise exception 'an account of % at this site has some of the days from % to %',
        new.scheme, new.period_from, new.period_to
      using errcode = 'exclusion_violation', constraint = 'mass_balance_accounts_periods_apart',
        table = 'mass_balance_accounts';
  end if;
  return null;
end $$;

-- ---------------------------------------------------------------- columns
-- A type does not change while a view or a trigger names its column.
drop view cacao_batch_yields, cacao_batch_draws, cacao_batch_cover;
drop trigger not_overdrawn_on_shrink on cacao_batches;
drop trigger origin_kept on cacao_batches;
drop trigger balance_kept on mass_balance_accounts;
drop trigger balance_kept_from_the_first on mass_balance_accounts;

alter table manufacturers
  alter column location drop not null;

alter table suppliers
  alter column location drop not null,
  add constraint suppliers_external_id_check check (btrim(external_id) <> ''),
  add constraint suppliers_external_id_whole check (strpos(external_id, U&'\FFFD') = 0);

alter table cacao_batches
  alter column supplier_id drop not null,
  drop constraint cacao_batches_harvest_date_check,
  drop constraint cacao_batches_production_date_check,
  alter column quantity type numeric,
  add constraint cacao_batches_quantity_exact check (is_decimal(quantity, 11, 3)),
  add constraint cacao_batches_lot_number_whole check (strpos(lot_number, U&'\FFFD') = 0);

alter table plots
  alter column area_ha type numeric,
  add constraint plots_area_ha_exact check (is_decimal(area_ha, 8, 4)),
  add constraint plots_geometry_levels check (
    not jsonb_path_exists(geometry, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")'));

alter table products
  drop constraint products_production_date_check,
  alter column cocoa_percent type numeric,
  add constraint products_cocoa_percent_exact check (is_decimal(cocoa_percent, 3, 1)),
  add constraint products_batch_number_whole check (strpos(batch_number, U&'\FFFD') = 0);

alter table product_cacao_batch
  alter column quantity_kg type numeric,
  add constraint product_cacao_batch_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3));

alter table cacao_batch_input
  alter column quantity_kg type numeric,
  add constraint cacao_batch_input_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3));

alter table cacao_batch_plot
  alter column quantity_kg type numeric,
  add constraint cacao_batch_plot_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3));

alter table losses
  drop constraint losses_timestamp_check,
  alter column quantity_kg type numeric,
  add constraint losses_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3));

alter table conversion_factors
  alter column factor type numeric,
  add constraint conversion_factors_factor_exact check (is_decimal(factor, 3, 5));

alter table mass_balance_accounts
  alter column balance_kg type numeric,
  add constraint mass_balance_accounts_balance_kg_exact check (is_decimal(balance_kg, 11, 3));

alter table mass_balance_entries
  drop constraint mass_balance_entries_timestamp_check,
  alter column quantity_kg type numeric,
  add constraint mass_balance_entries_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3));

alter table api_keys
  drop constraint api_keys_expires_at_check;

alter table transactions
  drop constraint transactions_timestamp_check,
  drop constraint transactions_one_subject,
  add constraint transactions_details_levels check (
    not jsonb_path_exists(details, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")')),
  add constraint transactions_event_id_check check (btrim(event_id) <> ''),
  add constraint transactions_one_subject check (num_nonnulls(product_id, cacao_batch_id) <= 1),
  add constraint transactions_event_id_whole check (strpos(event_id, U&'\FFFD') = 0);

alter table certificates
  add constraint certificates_number_whole check (strpos(number, U&'\FFFD') = 0);

alter table due_diligence_statements
  add constraint due_diligence_statements_reference_number_whole check (strpos(reference_number, U&'\FFFD') = 0);

-- Every date and time lies in the years 1 to 9999: one ALTER TABLE, and so one scan, for each table.
do $$
declare
  dated record;
begin
  for dated in
    select c.relname as name, string_agg(format(
        case a.atttypid when 'date'::regtype
          then 'add constraint %1$I check (%2$I between date ''0001-01-01'' and date ''9999-12-31'')'
          else 'add constraint %1$I check (%2$I >= timestamptz ''0001-01-01 00:00:00+00''
            and %2$I < timestamptz ''10000-01-01 00:00:00+00'')' end,
        c.relname || '_' || a.attname || '_dated', a.attname), ', ' order by a.attnum) as checks
    from unnest(array['api_keys', 'cacao_batch_input', 'cacao_batches', 'certificates', 'changes', 'conversion_factors',
      'due_diligence_statements', 'flags', 'holds', 'ledger_checkpoints', 'losses', 'mass_balance_accounts',
      'mass_balance_entries', 'product_cacao_batch', 'products', 'sessions', 'sign_in_attempts', 'transactions',
      'users']) known (name)
    join pg_class c on c.oid = known.name::regclass
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and a.atttypid in ('date'::regtype, 'timestamptz'::regtype)
    group by c.relname
  loop
    execute format('alter table %I %s', dated.name, dated.checks);
  end loop;
end $$;

-- ---------------------------------------------------------------- idempotency keys
-- A key belongs to its actor, which is the one of the changes of the same transaction. The table is made again, so that its
-- columns have the order of schema.sql.
create table idempotency_keys_before as
  select coalesce(c.actor, current_actor()) as actor, k.* from idempotency_keys k
  left join (select at, min(actor) as actor from changes group by at having count(distinct actor) = 1) c
    on c.at = k.created_at;
drop table idempotency_keys;
create table idempotency_keys (
  actor      text collate "C" not null default current_actor(),
  key        text collate "C" not null check (length(key) between 1 and 200),
  mutation   text collate "C" not null,
  input_hash bytea not null,
  objects    jsonb not null default '{}',
  created_at timestamptz not null default now()
             constraint idempotency_keys_created_at_dated check (
               created_at >= timestamptz '0001-01-01 00:00:00+00' and created_at < timestamptz '10000-01-01 00:00:00+00'),
  primary key (actor, key)
);
create index on idempotency_keys (created_at);
insert into idempotency_keys select * from idempotency_keys_before;
drop table idempotency_keys_before;

-- ---------------------------------------------------------------- views

create view cacao_batch_draws (cacao_batch_id, quantity_kg) as
  select cacao_batch_id, quantity_kg from product_cacao_batch
  union all select input_batch_id, quantity_kg from cacao_batch_input
  union all select cacao_batch_id, quantity_kg from losses;

create view cacao_batch_yields (cacao_batch_id, yield_kg) as
  select o.cacao_batch_id, case when count(*) = count(f.factor) then round(sum(i.quantity_kg * f.factor), 3) end
  from cacao_batches o
  join cacao_batch_input i on i.output_batch_id = o.cacao_batch_id
  join cacao_batches s on s.cacao_batch_id = i.input_batch_id
  cross join lateral (select case when s.stage = o.stage then 1 else (
    select c.factor from conversion_factors c
    where c.from_stage = s.stage and c.to_stage = o.stage
      and coalesce(o.production_date between c.valid_from and coalesce(c.valid_to, 'infinity'), c.valid_to is null)
    order by same_scheme(c.scheme, o.certification) desc nulls last, c.factor desc, c.conversion_factor_id limit 1) end
    -- OFFSET: it is looked up once, not wherever it is named.
    offset 0) f (factor)
  group by o.cacao_batch_id;

create view cacao_batch_cover (cacao_batch_id, certificate_id) as
  select b.cacao_batch_id, c.certificate_id
  from cacao_batches b join certificates c on c.supplier_id = b.supplier_id and same_scheme(c.scheme, b.certification)
    and coalesce(b.production_date, b.harvest_date) between c.valid_from and c.valid_to;

-- ---------------------------------------------------------------- indexes
create index transactions_without_subject on transactions (transaction_id)
  where product_id is null and cacao_batch_id is null;
create unique index users_name_case on users (lower(username));
create unique index users_name_look on users (look_of_name(username));
create unique index api_keys_name_case on api_keys (lower(name));
create unique index api_keys_name_look on api_keys (look_of_name(name));
-- search_key() returns other keys than before.
reindex index manufacturers_name_search;
reindex index suppliers_name_search;
reindex index products_name_search;

-- ---------------------------------------------------------------- triggers

create trigger not_overdrawn_on_shrink after update of quantity, stage, production_date, certification on cacao_batches
  for each row when (new.quantity < old.quantity or new.stage <> old.stage
    or new.production_date is distinct from old.production_date
    or new.certification is distinct from old.certification) execute function check_quantity();

create trigger origin_kept after update of supplier_id on cacao_batches
  for each row when (old.supplier_id is not null and new.supplier_id is distinct from old.supplier_id)
  execute function keep_origin_of_moved();

create trigger balance_kept before update of balance_kg on mass_balance_accounts
  for each row execute function refuse_own_mark('balance_kg');

create trigger balance_kept_from_the_first after insert on mass_balance_accounts
  for each row when (new.balance_kg <> 0) execute function refuse_own_mark('balance_kg');

create trigger plain_name before insert or update of username on users
  for each row execute function refuse_odd_name('username');

create trigger plain_name before insert or update of name on api_keys
  for each row execute function refuse_odd_name('name');

do $$
declare
  part record;
begin
  for part in
    select t.name, string_agg(format('is_normal_text(new.%I)', c.name), ' and ') as all_normal,
      string_agg(format('new.%1$I := normal_text(new.%1$I);', c.name), ' ') as made_normal,
      string_agg(format('%I', c.name), ', ') as columns
    from (values
      ('manufacturers', 'name location'), ('suppliers', 'name location external_id'), ('plots', 'name'),
      ('certificates', 'scheme number holder'), ('cacao_batches', 'certification lot_number'),
      ('products', 'name batch_number'), ('due_diligence_statements', 'reference_number'),
      ('transactions', 'event event_id'), ('conversion_factors', 'scheme'), ('mass_balance_accounts', 'scheme')
    ) t (name, columns) cross join lateral string_to_table(t.columns, ' ') c (name)
    group by t.name
  loop
    execute format('create function make_%1$s_normal() returns trigger language plpgsql as
      $body$ begin %2$s return new; end $body$', part.name, part.made_normal);
    execute format('create trigger made_normal before insert or update of %2$s on %1$I
      for each row when (not (%3$s)) execute function make_%1$s_normal()', part.name, part.columns, part.all_normal);
  end loop;
end $$;
