-- The schema of cacaotrace. Generated from schema/*.sql by `python -m models.migration`: edit those files.
--   psql -f schema.sql        applies it to an empty database, in one transaction
begin;

-- ---------------------------------------------------------------- database
-- PostgreSQL 14 and later, UTF-8. Text columns are COLLATE "C", so that their order is the same on every server and stays the
-- same when the locale files of an operating system change: cursors and indexes depend on it.
create extension if not exists unaccent;
create extension if not exists pg_trgm;

-- ---------------------------------------------------------------- texts
-- How texts are compared and stored. schema.sql drops keep_texts_normal() at its end.

-- search_key(text): the form of a text that the filter `contains` compares. It is NFKC, has no accents, and its case is
-- folded in the same way under every locale of a server.
-- Case is folded by Unicode 14.0 (CaseFolding.txt, status C and S). Each row of the table is a run of letters above ASCII
-- which NFKC does not change: first letter, last letter, step, distance to the folded letter.
-- `python -m models.texts.case_folding` prints the table. Latin-1, Greek and Cyrillic have lists of their own, because
-- translate() searches its whole list for each character.
-- The body qualifies the names of unaccent, because pg_restore builds indexes with an empty search path. The language is
-- PL/pgSQL, because an SQL function that calls another function is ten times slower. unaccent() is STABLE only because its
-- dictionary can be replaced; this schema never replaces it.
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
create function search_key(value text) returns text
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

-- The normal form of names and identifiers: NFC, without invisible characters, with one space between words and no space
-- around them. A zero-width joiner is kept after a letter of a script that needs it (Arabic to Sinhala, Myanmar, Khmer).
-- models/texts/normal_form.py has the same rule.
create function normal_text(value text) returns text
  language sql immutable strict parallel safe
  return normalize(btrim(regexp_replace(regexp_replace(value,
      '[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]'
      '|(?<![\u0600-\u0dff\u1000-\u109f\u1780-\u17ff])[\u200c\u200d]', '', 'g'),
    '[\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u3164\uffa0]+', ' ', 'g'), ' '), NFC);

-- The regular expression is a fast path: it accepts printable ASCII with single spaces, as most texts are.
create function is_normal_text(value text) returns boolean
  language sql immutable parallel safe
  return value is null or value ~ '^[!-~]+( [!-~]+)*$' or value = normal_text(value);

-- Two spellings of one certification scheme are equal.
create function same_scheme(one text, other text) returns boolean
  language sql immutable parallel safe
  return one = other or search_key(one) = search_key(other);

-- Makes the triggers that store names and identifiers of a table in their normal form, whichever client writes them, and
-- the check that refuses an identifier with U+FFFD: a decoder puts that character in place of one that it could not read.
create procedure keep_texts_normal(relation text, columns text[], identifier text default null)
  language plpgsql as $$
declare
  all_normal text;
  made_normal text;
  listed text;
begin
  select string_agg(format('is_normal_text(new.%I)', c), ' and '),
      string_agg(format('new.%1$I := normal_text(new.%1$I);', c), ' '), string_agg(format('%I', c), ', ')
    into all_normal, made_normal, listed from unnest(columns) c;
  execute format('create function make_%1$s_normal() returns trigger language plpgsql as
      $body$ begin %2$s return new; end $body$', relation, made_normal);
  execute format('create trigger made_normal before insert or update of %2$s on %1$I
      for each row when (not (%3$s)) execute function make_%1$s_normal()', relation, listed, all_normal);
  if identifier is not null then
    execute format('alter table %1$I add constraint %2$I check (strpos(%3$I, U&''\FFFD'') = 0)',
      relation, relation || '_' || identifier || '_whole', identifier);
  end if;
end $$;

-- ---------------------------------------------------------------- values
-- The rules of values that several tables hold, each written once. They are functions in named checks of the columns, not
-- domains: PostgreSQL reports a violation of a domain without its table and column, so that the API could not name the
-- field; and a recursive query whose first term is a column of a domain fails where its second term computes.

-- A finite number with at most so many digits before and after the decimal point. A column of type numeric(14, 3) would
-- round a finer number silently, so columns are of type numeric and a check refuses what does not fit.
create function is_decimal(value numeric, digits int, decimals int) returns boolean
  language sql immutable parallel safe
  return abs(value) < 10::numeric ^ digits and value = round(value, decimals);

-- Kilograms, exact to the gram.
create function is_kilograms(value numeric) returns boolean
  language sql immutable parallel safe
  return is_decimal(value, 11, 3);

-- The stages of cacao, from harvest to chocolate.
create function is_stage(value text) returns boolean
  language sql immutable parallel safe
  return value in ('beans', 'nibs', 'liquor', 'butter', 'powder', 'couverture');

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

-- A GTIN-14 with a correct check digit (GS1 General Specifications, 7.9: weights 3 and 1 from the right). GTINs of 8, 12
-- and 13 digits are stored as 14 digits, so that one item has one key.
create function is_gtin14(value text) returns boolean
  language sql immutable strict parallel safe
  return value ~ '^[0-9]{14}$' and (
    select sum(substr(value, i, 1)::int * case when i % 2 = 1 then 3 else 1 end) % 10 = 0
    from generate_series(1, 14) i);

-- JSON whose objects and arrays nest at most 64 deep, which every output format can print.
create function is_printable_json(value jsonb) returns boolean
  language sql immutable parallel safe
  return not jsonb_path_exists(value, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")');

-- ---------------------------------------------------------------- changes
-- Who wrote what: an append-only record of each statement that changes a table.

-- The actor of the transaction: the setting cacaotrace.actor, which the server sets, else the role of the session. A client
-- that may write can set any actor, so this is a record and not a proof.
create function current_actor() returns text
  language sql stable parallel safe
  return coalesce(nullif(current_setting('cacaotrace.actor', true), ''), 'sql:' || session_user);

create function refuse_change_of_record() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op
    using errcode = 'restrict_violation', constraint = tg_table_name || '_append_only', table = tg_table_name;
end $$;

-- One row for each statement that wrote. `keys` are the primary keys of the written rows: numbers, or pairs of numbers.
-- For sessions they are user_ids, because the key of a session is a hash of its token.
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
-- For transactions: also puts the new events into the queue of the ledger. Its statements are static, so that PL/pgSQL
-- plans them once.
create function record_events() returns trigger language plpgsql as $$
begin
  insert into changes (relation, operation, keys)
    select 'transactions', 'INSERT', array_agg(c.transaction_id) from changed c having count(*) > 0;
  insert into ledger_queue (transaction_id) select c.transaction_id from changed c;
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

-- Makes the triggers that record the changes of a table. `key` is an expression of its columns. `columns` are the ones
-- whose update is a change, where others are written often and are not (api_keys, sessions): PostgreSQL has no transition
-- table for a list of columns, so these are recorded row by row. schema.sql drops this procedure at its end.
create procedure record_changes_of(relation text, key text, columns text default null, inserts text default null)
  language plpgsql as $$
begin
  execute format('create trigger recorded_insert after insert on %I referencing new table as changed
      for each statement execute function %s', relation, coalesce(inserts, format('record_change(%L)', key)));
  execute format('create trigger recorded_delete after delete on %I referencing old table as changed
      for each statement execute function record_change(%L)', relation, key);
  execute format('create trigger recorded_truncate before truncate on %I
      for each statement execute function record_truncate()', relation);
  if columns is null then
    execute format('create trigger recorded_update after update on %I referencing new table as changed
      for each statement execute function record_change(%L)', relation, key);
  else
    execute format('create trigger recorded_update after update of %s on %I
      for each row execute function record_change_of_row(%L)', columns, relation, key);
  end if;
end $$;

-- Makes the triggers that refuse every change of a table but an insert. `refused` may leave out UPDATE.
create procedure keep_append_only(relation text, refused text default 'update or delete')
  language plpgsql as $$
begin
  execute format('create trigger append_only before %s on %I
      for each row execute function refuse_change_of_record()', refused, relation);
  execute format('create trigger append_only_truncate before truncate on %I
      for each statement execute function refuse_change_of_record()', relation);
end $$;
call keep_append_only('changes');

-- ---------------------------------------------------------------- parties
-- Manufacturers, suppliers and the certificates of suppliers.

create table manufacturers (
  manufacturer_id serial primary key,
  name            text collate "C" not null check (btrim(name) <> ''),
  location        text collate "C",
  country         text collate "C" check (is_country(country))
);
create index on manufacturers (name, manufacturer_id);
create index on manufacturers (country, manufacturer_id);
create index manufacturers_name_search on manufacturers using gin (search_key(name) gin_trgm_ops);
call keep_texts_normal('manufacturers', '{name,location}');
call record_changes_of('manufacturers', 'manufacturer_id::bigint');

create table suppliers (
  supplier_id    serial primary key,
  name           text collate "C" not null check (btrim(name) <> ''),
  location       text collate "C",
  contact_person text collate "C",
  country        text collate "C" check (is_country(country)),
  -- The identifier of the supplier in the system from which it was imported. Names of cooperatives are not unique.
  external_id    text collate "C" unique check (btrim(external_id) <> '')
);
create index on suppliers (name, supplier_id);
create index on suppliers (country, supplier_id);
create index suppliers_name_search on suppliers using gin (search_key(name) gin_trgm_ops);
call keep_texts_normal('suppliers', '{name,location,external_id}', 'external_id');
call record_changes_of('suppliers', 'supplier_id::bigint');

create table certificates (
  certificate_id serial primary key,
  supplier_id    int not null references suppliers,
  scheme         text collate "C" not null check (btrim(scheme) <> ''),
  number         text collate "C" not null check (btrim(number) <> ''),
  scope          text collate "C",
  valid_from     date not null,
  valid_to       date not null,
  -- The certified group, where the document names one instead of the supplier.
  holder         text collate "C" check (btrim(holder) <> ''),
  -- SHA-256 of the document, in hexadecimal.
  document_hash  text collate "C" check (document_hash ~ '^[0-9a-f]{64}$'),
  check (valid_to >= valid_from),
  unique (scheme, number)
);
create index on certificates (supplier_id, certificate_id);
create index on certificates (valid_to, certificate_id);
call keep_texts_normal('certificates', '{scheme,number,holder}', 'number');
call record_changes_of('certificates', 'certificate_id::bigint');

-- ---------------------------------------------------------------- plots

create table plots (
  plot_id       serial primary key,
  supplier_id   int not null references suppliers,
  name          text collate "C" not null check (btrim(name) <> ''),
  producer_name text collate "C",
  country       text collate "C" not null check (is_country(country)),
  area_ha       numeric not null check (area_ha > 0)
                constraint plots_area_ha_exact check (is_decimal(area_ha, 8, 4)),
  -- RFC 7946 geometry in WGS 84: a Point below 4 ha, else a Polygon (EUDR, Article 2(28)).
  geometry      jsonb check (jsonb_typeof(geometry) = 'object'
                             and geometry ->> 'type' in ('Point', 'Polygon', 'MultiPolygon'))
                constraint plots_geometry_levels check (is_printable_json(geometry)),
  unique (supplier_id, name)
);
create index on plots (supplier_id, plot_id);
create index on plots (country, plot_id);
call keep_texts_normal('plots', '{name}');
call record_changes_of('plots', 'plot_id::bigint');

-- ---------------------------------------------------------------- lots

create table cacao_batches (
  cacao_batch_id  serial primary key,
  supplier_id     int references suppliers,
  harvest_date    date,
  quantity        numeric not null check (quantity > 0)
                  constraint cacao_batches_quantity_exact check (is_kilograms(quantity)),
  certification   text collate "C",
  stage           text collate "C" not null default 'beans'
                  check (is_stage(stage)),
  lot_number      text collate "C" check (btrim(lot_number) <> ''),
  production_date date,
  -- The chain of custody model (ISO 22095); null where it is not known.
  custody         text collate "C" check (custody in ('identity_preserved', 'segregated', 'mass_balance')),
  -- Only the triggers of holds write this column.
  on_hold         boolean not null default false,
  -- Beans have a harvest date; a later stage has a production date.
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
create index cacao_batches_on_hold on cacao_batches (cacao_batch_id) where on_hold;
call keep_texts_normal('cacao_batches', '{certification,lot_number}', 'lot_number');
call record_changes_of('cacao_batches', 'cacao_batch_id::bigint');

-- The kilograms of a harvest that came from a plot.
create table cacao_batch_plot (
  cacao_batch_id int not null references cacao_batches,
  plot_id        int not null references plots,
  quantity_kg    numeric check (quantity_kg > 0)
                 constraint cacao_batch_plot_quantity_kg_exact check (is_kilograms(quantity_kg)),
  primary key (cacao_batch_id, plot_id)
);
create index on cacao_batch_plot (plot_id, cacao_batch_id);
call record_changes_of('cacao_batch_plot', 'array[cacao_batch_id, plot_id]::bigint[]');

-- ---------------------------------------------------------------- products

create table products (
  product_id      serial primary key,
  name            text collate "C" not null check (btrim(name) <> ''),
  description     text collate "C",
  manufacturer_id int references manufacturers,
  batch_number    text collate "C" check (btrim(batch_number) <> ''),
  gtin            text collate "C" check (is_gtin14(gtin)),
  cocoa_percent   numeric check (cocoa_percent between 0 and 100)
                  constraint products_cocoa_percent_exact check (is_decimal(cocoa_percent, 3, 1)),
  production_date date,
  on_hold         boolean not null default false,
  unique (gtin, batch_number)
);
create index on products (manufacturer_id, product_id);
create index on products (name, product_id);
create index on products (batch_number, product_id);
create index on products (gtin, product_id);
create index on products (cocoa_percent, product_id);
create index on products (production_date, product_id);
create index products_on_hold on products (product_id) where on_hold;
create index products_name_search on products using gin (search_key(name) gin_trgm_ops);
call keep_texts_normal('products', '{name,batch_number}', 'batch_number');
call record_changes_of('products', 'product_id::bigint');

-- ---------------------------------------------------------------- uses
-- What was made of a batch. schema/34_balances.sql has the rules.

-- The kilograms of a batch that went into a product; null where they are not known, as in the first design.
create table product_cacao_batch (
  product_id     int not null references products,
  cacao_batch_id int not null references cacao_batches,
  quantity_kg    numeric check (quantity_kg > 0)
                 constraint product_cacao_batch_quantity_kg_exact check (is_kilograms(quantity_kg)),
  -- When the row was written, for a trace as of a time. An edge has no date of its own.
  record_time    timestamptz not null default now(),
  primary key (product_id, cacao_batch_id)
);
create index on product_cacao_batch (cacao_batch_id, product_id);
call record_changes_of('product_cacao_batch', 'array[product_id, cacao_batch_id]::bigint[]');

-- The kilograms of a batch that went into another batch.
create table cacao_batch_input (
  output_batch_id int not null references cacao_batches,
  input_batch_id  int not null references cacao_batches,
  quantity_kg     numeric not null check (quantity_kg > 0)
                  constraint cacao_batch_input_quantity_kg_exact check (is_kilograms(quantity_kg)),
  record_time     timestamptz not null default now(),
  primary key (output_batch_id, input_batch_id),
  check (output_batch_id <> input_batch_id)
);
create index on cacao_batch_input (input_batch_id, output_batch_id);
call record_changes_of('cacao_batch_input', 'array[output_batch_id, input_batch_id]::bigint[]');

-- ---------------------------------------------------------------- due diligence statements

create table due_diligence_statements (
  statement_id        serial primary key,
  reference_number    text collate "C" not null unique check (btrim(reference_number) <> ''),
  verification_number text collate "C",
  submitted_on        date not null
);
create index on due_diligence_statements (submitted_on, statement_id);
call keep_texts_normal('due_diligence_statements', '{reference_number}', 'reference_number');
call record_changes_of('due_diligence_statements', 'statement_id::bigint');

create table product_statement (
  product_id   int not null references products,
  statement_id int not null references due_diligence_statements,
  primary key (product_id, statement_id)
);
create index on product_statement (statement_id, product_id);
call record_changes_of('product_statement', 'array[product_id, statement_id]::bigint[]');

create table cacao_batch_statement (
  cacao_batch_id int not null references cacao_batches,
  statement_id   int not null references due_diligence_statements,
  primary key (cacao_batch_id, statement_id)
);
create index on cacao_batch_statement (statement_id, cacao_batch_id);
call record_changes_of('cacao_batch_statement', 'array[cacao_batch_id, statement_id]::bigint[]');

-- ---------------------------------------------------------------- events
-- Events are append-only: an event that is wrong is corrected by another event.

create table transactions (
  transaction_id bigserial primary key,
  product_id     int references products,
  cacao_batch_id int references cacao_batches,
  "timestamp"    timestamptz not null default now(),
  event          text collate "C" not null check (btrim(event) <> ''),
  details        jsonb constraint transactions_details_levels check (is_printable_json(details)),
  event_id       text collate "C" unique check (btrim(event_id) <> ''),
  record_time    timestamptz not null default now(),
  recorded_by    text collate "C" default current_actor(),
  -- The earlier event that this event corrects, and the reason (EPCIS 2.0, error declaration).
  corrects          bigint references transactions,
  correction_reason text collate "C" check (btrim(correction_reason) <> ''),
  -- The first design accepts an event without a subject; the API reports such an event as a finding.
  constraint transactions_one_subject check (num_nonnulls(product_id, cacao_batch_id) <= 1),
  constraint transactions_corrects_earlier check (corrects < transaction_id),
  constraint transactions_corrects_with_reason check ((corrects is null) = (correction_reason is null))
);
create index on transactions (product_id, transaction_id) where product_id is not null;
create index on transactions (cacao_batch_id, transaction_id) where cacao_batch_id is not null;
create index on transactions (corrects, transaction_id) where corrects is not null;
create index on transactions ("timestamp", transaction_id);
create index on transactions (event, transaction_id);
-- Partial indexes for findings, which read few events among millions.
create index transactions_without_subject on transactions (transaction_id)
  where product_id is null and cacao_batch_id is null;
create index transactions_in_future on transactions (transaction_id) where "timestamp" > record_time;
create index transactions_with_kilograms on transactions (transaction_id)
  where details ?| '{quantityKg,quantity_kg,weight,quantityList}';
call keep_texts_normal('transactions', '{event,event_id}', 'event_id');
call record_changes_of('transactions', 'transaction_id', inserts => 'record_events()');

create function refuse_change_of_events() returns trigger language plpgsql as $$
begin
  raise exception 'transactions are append-only: record a correcting event instead of % on it', tg_op
    using errcode = 'restrict_violation', constraint = 'transactions_append_only', table = 'transactions';
end $$;
create trigger append_only before update or delete on transactions
  for each row execute function refuse_change_of_events();
create trigger append_only_truncate before truncate on transactions
  for each statement execute function refuse_change_of_events();

create function refuse_foreign_correction() returns trigger language plpgsql as $$
begin
  if exists (select from transactions t where t.transaction_id = new.corrects
             and (t.product_id, t.cacao_batch_id) is distinct from (new.product_id, new.cacao_batch_id)) then
    raise exception 'event % is about another product or batch', new.corrects
      using errcode = 'check_violation', constraint = 'transactions_corrects_own', table = 'transactions';
  end if;
  return null;
end $$;
create trigger corrects_own after insert on transactions
  for each row when (new.corrects is not null) execute function refuse_foreign_correction();

-- ---------------------------------------------------------------- losses

-- Kilograms that a batch lost. Append-only: a correction has negative kilograms and takes back part of earlier losses.
create table losses (
  loss_id        bigserial primary key,
  cacao_batch_id int not null references cacao_batches,
  quantity_kg    numeric not null check (quantity_kg <> 0)
                 constraint losses_quantity_kg_exact check (is_kilograms(quantity_kg)),
  reason         text collate "C" not null check (reason in (
                   'spillage', 'sampling', 'moisture', 'spoilage', 'theft', 'destruction', 'correction')),
  "timestamp"    timestamptz not null default now(),
  note           text collate "C",
  record_time    timestamptz not null default now(),
  recorded_by    text collate "C" default current_actor(),
  constraint losses_correction_gives_back check ((reason = 'correction') = (quantity_kg < 0))
);
create index on losses (cacao_batch_id, loss_id);
create index on losses ("timestamp", loss_id);
call keep_append_only('losses');
call record_changes_of('losses', 'loss_id');

-- A loss reduces what a batch holds, also while it is on hold, and is recorded as an event of the batch.
create function check_loss() returns trigger language plpgsql as $$
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
create trigger not_overdrawn_on_insert after insert on losses
  referencing new table as changed for each statement execute function check_loss();

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

-- ---------------------------------------------------------------- balances
-- A batch never gives more than it holds, nor more than its inputs yield.

-- The kilograms that left a batch: into products, into other batches, and as losses.
create view cacao_batch_draws (cacao_batch_id, quantity_kg) as
  select cacao_batch_id, quantity_kg from product_cacao_batch
  union all select input_batch_id, quantity_kg from cacao_batch_input
  union all select cacao_batch_id, quantity_kg from losses;

-- The most that the recorded inputs of a batch yield: null where a factor is not known, no row for a batch without inputs.
-- The factor is valid on the day of production; that of the scheme of the batch comes first, then the highest.
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
    -- OFFSET 0 is an optimisation fence: the subquery runs once for each row, not for each reference to f.factor.
    offset 0) f (factor)
  group by o.cacao_batch_id;

-- The certificates of the supplier of a batch that cover its claim on its day of production, or else of harvest.
create view cacao_batch_cover (cacao_batch_id, certificate_id) as
  select b.cacao_batch_id, c.certificate_id
  from cacao_batches b join certificates c on c.supplier_id = b.supplier_id and same_scheme(c.scheme, b.certification)
    and coalesce(b.production_date, b.harvest_date) between c.valid_from and c.valid_to;

create function refuse_old_snapshot() returns void language plpgsql as $$
begin
  -- The checks read after they wait for locks. Under REPEATABLE READ they would not see what was committed meanwhile.
  if current_setting('transaction_isolation') = 'repeatable read' then
    raise exception 'uses of cacao batches are written under READ COMMITTED or SERIALIZABLE'
      using errcode = 'feature_not_supported';
  end if;
end $$;

-- A batch gives no more than its recorded inputs yield. Each input that is added raises the bound, so the rule holds at
-- every moment and a batch is never marked as complete.
-- The planner settings force index look-ups: with statistics of an empty table, it would scan all batches for each batch.
create function check_yields(batch_ids int[]) returns void language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  -- Only batches that have inputs and gave something; most have not.
  judged int[] := array(select distinct b.id from unnest(batch_ids) b (id)
    where exists (select from cacao_batch_input i where i.output_batch_id = b.id)
      and (exists (select from product_cacao_batch p where p.cacao_batch_id = b.id)
        or exists (select from cacao_batch_input i where i.input_batch_id = b.id)
        or exists (select from losses l where l.cacao_batch_id = b.id)));
  rule text;
  excess record;
begin
  if judged = '{}' then
    return;
  end if;
  rule := coalesce((select r.yields from matter_rules r), 'flag');
  if rule = 'ignore' then
    return;
  end if;
  for excess in
    select y.cacao_batch_id, format('cacao batch %s gave %s kg, its inputs yield %s kg',
        y.cacao_batch_id, round(d.kg, 3), y.yield_kg) as message
      from unnest(judged) b (id)
      -- OFFSET 0 keeps the view inside the lateral join: joined outside, it would aggregate all batches.
      cross join lateral (select * from cacao_batch_yields v where v.cacao_batch_id = b.id offset 0) y
      cross join lateral (
        select sum(x.quantity_kg) as kg from cacao_batch_draws x where x.cacao_batch_id = b.id offset 0) d
      where d.kg > y.yield_kg
      order by y.cacao_batch_id
  loop
    if rule = 'refuse' then
      raise exception '%', excess.message
        using errcode = 'check_violation', constraint = 'cacao_batch_not_beyond_yield', table = 'cacao_batches';
    end if;
    insert into flags (cacao_batch_id, rule, message) values (excess.cacao_batch_id, 'yield', excess.message)
      on conflict do nothing;
  end loop;
end $$;

-- Raises for a batch that gives more than it holds and, if `using_it`, for one that is on hold. Locks these batches, and
-- `output_ids`, into which they go, in the order of their keys.
create function check_batches_not_overdrawn(batch_ids int[], using_it boolean, output_ids int[] default '{}')
  returns void language plpgsql as $$
declare
  held int;
  overdrawn record;
begin
  perform refuse_old_snapshot();
  -- Writers to one batch wait for each other here. The statements below then see what the earlier writer committed.
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

create function check_product_use() returns trigger language plpgsql as $$
declare
  used int[];
begin
  if tg_op = 'INSERT' then
    used := array(select distinct c.cacao_batch_id from changed c);
  else
    used := array(select distinct c.cacao_batch_id from changed c
      left join before b using (product_id, cacao_batch_id)
      where b.product_id is null or coalesce(c.quantity_kg, 0) > coalesce(b.quantity_kg, 0));
  end if;
  perform check_batches_not_overdrawn(used, true);
  perform check_yields(used);
  return null;
end $$;
create function check_batch_use() returns trigger language plpgsql as $$
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
  -- Batches without custody need no further check.
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
create function check_taken_back() returns trigger language plpgsql as $$
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
create function check_quantity() returns trigger language plpgsql as $$
declare
  -- With another stage of an input, its outputs have another yield.
  outputs int[] := array(select i.output_batch_id from cacao_batch_input i
    where i.input_batch_id = new.cacao_batch_id and new.stage <> old.stage);
begin
  perform check_batches_not_overdrawn(array[new.cacao_batch_id], false, outputs);
  perform check_yields(new.cacao_batch_id || outputs);
  return null;
end $$;

create trigger not_overdrawn_on_insert after insert on product_cacao_batch
  referencing new table as changed for each statement execute function check_product_use();
create trigger not_overdrawn_on_update after update on product_cacao_batch
  referencing old table as before new table as changed for each statement execute function check_product_use();
create trigger not_overdrawn_on_insert after insert on cacao_batch_input
  referencing new table as changed for each statement execute function check_batch_use();
create trigger not_overdrawn_on_update after update on cacao_batch_input
  referencing old table as before new table as changed for each statement execute function check_batch_use();
create trigger not_beyond_yield_on_delete after delete on cacao_batch_input
  referencing old table as before for each statement execute function check_taken_back();
create trigger not_overdrawn_on_shrink after update of quantity, stage, production_date, certification on cacao_batches
  for each row when (new.quantity < old.quantity or new.stage <> old.stage
    or new.production_date is distinct from old.production_date
    or new.certification is distinct from old.certification) execute function check_quantity();

-- ---------------------------------------------------------------- custody

create function custody_rank(custody text) returns int
  language sql immutable parallel safe
  return case custody when 'identity_preserved' then 3 when 'segregated' then 2 when 'mass_balance' then 1 else 0 end;

-- The supplier of the first batch in the lineage of a batch. Callers pass batches of one origin, so any path back is right.
create function origin_of(batch_id int) returns int language sql stable as $$
  with recursive back (id) as (
    select batch_id
    union select (select min(i.input_batch_id) from cacao_batch_input i where i.output_batch_id = back.id)
    from back where back.id is not null)
  select b.supplier_id from back join cacao_batches b on b.cacao_batch_id = back.id
  where not exists (select from cacao_batch_input i where i.output_batch_id = back.id) limit 1
$$;

-- The custody of a batch is never stronger than that of an input, and never weaker than that of an output.
create function check_custody(batch_ids int[]) returns void language plpgsql as $$
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
        -- Two batches without a supplier count as two origins.
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

-- Raises for an identity preserved batch that gave to another one: with another origin, the output would have two.
create function keep_origins(batch_ids int[]) returns void language plpgsql as $$
declare
  moved int;
begin
  select min(b.cacao_batch_id) into moved from cacao_batches b
    where b.cacao_batch_id = any (batch_ids) and b.custody = 'identity_preserved'
      and exists (select from cacao_batch_input e join cacao_batches t on t.cacao_batch_id = e.output_batch_id
                  where e.input_batch_id = b.cacao_batch_id and t.custody = 'identity_preserved');
  if moved is not null then
    raise exception 'cacao batch % keeps its origin: an identity preserved batch was made of it', moved
      using errcode = 'check_violation', constraint = 'cacao_batch_custody_kept', table = 'cacao_batches';
  end if;
end $$;

-- Sets the custody of a batch to the weakest one of its inputs and of its own. A batch that had inputs before and has no
-- custody keeps none. The caller holds the locks of the batches.
create function settle_custody(output_ids int[], made_before int[]) returns void language plpgsql as $$
declare
  known int[];
begin
  update cacao_batches b set custody = case settled.rank
      when 3 then 'identity_preserved' when 2 then 'segregated' when 1 then 'mass_balance' end
    from (
      select o.cacao_batch_id, case
        when o.custody is not null then least(custody_rank(o.custody), min(custody_rank(s.custody)))
        when o.cacao_batch_id = any (made_before) then 0
        else min(custody_rank(s.custody)) end as rank
      from cacao_batches o
      join cacao_batch_input i on i.output_batch_id = o.cacao_batch_id
      join cacao_batches s on s.cacao_batch_id = i.input_batch_id
      where o.cacao_batch_id = any (output_ids)
      group by o.cacao_batch_id) settled
    where b.cacao_batch_id = settled.cacao_batch_id and custody_rank(b.custody) <> settled.rank;
  known := array(select b.cacao_batch_id from cacao_batches b
    where b.cacao_batch_id = any (output_ids) and b.custody is not null);
  perform check_custody(known);
end $$;

create function keep_custody() returns trigger language plpgsql as $$
begin
  -- Writers of uses hold the locks of these batches; another writer must not make a custody stronger meanwhile.
  if pg_trigger_depth() = 1 then
    perform refuse_old_snapshot();
    perform 1 from cacao_batches b where b.cacao_batch_id in (
        select i.input_batch_id from cacao_batch_input i where i.output_batch_id = new.cacao_batch_id
        union select i.output_batch_id from cacao_batch_input i where i.input_batch_id = new.cacao_batch_id)
      order by b.cacao_batch_id for no key update;
  end if;
  perform check_custody(array[new.cacao_batch_id]);
  return null;
end $$;
create trigger custody_kept after update of custody on cacao_batches
  for each row when (new.custody is distinct from old.custody) execute function keep_custody();

create function keep_origin_of_moved() returns trigger language plpgsql as $$
begin
  if not exists (select from cacao_batch_input i where i.output_batch_id = new.cacao_batch_id) then
    perform keep_origins(array[new.cacao_batch_id]);
  end if;
  return null;
end $$;
create trigger origin_kept after update of supplier_id on cacao_batches
  for each row when (old.supplier_id is not null and new.supplier_id is distinct from old.supplier_id)
  execute function keep_origin_of_moved();

-- ---------------------------------------------------------------- holds

-- A batch on hold, and every batch and product made of it, cannot be used. A hold is released once, with a reason.
create table holds (
  hold_id        serial primary key,
  cacao_batch_id int not null references cacao_batches,
  reason         text collate "C" not null check (btrim(reason) <> ''),
  placed_at      timestamptz not null default now(),
  placed_by      text collate "C" default current_actor(),
  released_at    timestamptz,
  released_by    text collate "C",
  release_reason text collate "C" check (btrim(release_reason) <> ''),
  constraint holds_released_with_reason check ((released_at is null) = (release_reason is null))
);
create index on holds (cacao_batch_id, hold_id);
create index on holds (placed_at, hold_id);

-- The batches and products that an active hold reaches. Only the triggers of holds write these tables.
create table hold_batch (
  hold_id        int not null references holds,
  cacao_batch_id int not null references cacao_batches,
  primary key (hold_id, cacao_batch_id)
);
create index on hold_batch (cacao_batch_id, hold_id);
create table hold_product (
  hold_id    int not null references holds,
  product_id int not null references products,
  primary key (hold_id, product_id)
);
create index on hold_product (product_id, hold_id);

-- Refuses a change of a derived column unless a trigger makes it.
create function refuse_own_mark() returns trigger language plpgsql as $$
begin
  if pg_trigger_depth() > 1 then
    return new;
  end if;
  raise exception '% of % is written by the database itself', tg_argv[0], tg_table_name
    using errcode = 'restrict_violation', constraint = tg_table_name || '_' || tg_argv[0] || '_kept', table = tg_table_name;
end $$;
create trigger on_hold_kept before update of on_hold on cacao_batches
  for each row when (new.on_hold <> old.on_hold) execute function refuse_own_mark('on_hold');
create trigger on_hold_kept before update of on_hold on products
  for each row when (new.on_hold <> old.on_hold) execute function refuse_own_mark('on_hold');
-- AFTER, because COPY inserts rows in batches only into tables without BEFORE ROW triggers that apply.
create trigger on_hold_kept_from_the_first after insert on cacao_batches
  for each row when (new.on_hold) execute function refuse_own_mark('on_hold');
create trigger on_hold_kept_from_the_first after insert on products
  for each row when (new.on_hold) execute function refuse_own_mark('on_hold');

-- Marks the batch and everything made of it. A transaction that writes a use holds the lock of the batch, so after each
-- wait the lineage is read again; a marked batch gives nothing more.
create function spread_hold() returns trigger language plpgsql as $$
declare
  found_ids int[];
begin
  perform refuse_old_snapshot();
  perform pg_advisory_xact_lock(hashtext('holds'));
  loop
    found_ids := array(
      with recursive made (id) as (
        select new.cacao_batch_id
        union select i.output_batch_id from made join cacao_batch_input i on i.input_batch_id = made.id)
      select m.id from made m
      where not exists (select from hold_batch h where h.hold_id = new.hold_id and h.cacao_batch_id = m.id));
    exit when found_ids = '{}';
    perform 1 from cacao_batches b where b.cacao_batch_id = any (found_ids)
      order by b.cacao_batch_id for no key update;
    insert into hold_batch (hold_id, cacao_batch_id) select new.hold_id, unnest(found_ids);
    update cacao_batches b set on_hold = true where b.cacao_batch_id = any (found_ids) and not b.on_hold;
  end loop;
  insert into hold_product (hold_id, product_id)
    select distinct new.hold_id, p.product_id
    from hold_batch h join product_cacao_batch p using (cacao_batch_id) where h.hold_id = new.hold_id;
  perform 1 from products p join hold_product h using (product_id) where h.hold_id = new.hold_id
    order by p.product_id for no key update of p;
  update products p set on_hold = true from hold_product h
    where h.hold_id = new.hold_id and p.product_id = h.product_id and not p.on_hold;
  return null;
end $$;
create trigger spread after insert on holds for each row execute function spread_hold();

create function release_hold() returns trigger language plpgsql as $$
begin
  if old.released_at is not null or new.released_at is null
     or (new.hold_id, new.cacao_batch_id, new.reason, new.placed_at, new.placed_by)
        is distinct from (old.hold_id, old.cacao_batch_id, old.reason, old.placed_at, old.placed_by) then
    raise exception 'hold % can only be released, and that once', old.hold_id
      using errcode = 'restrict_violation', constraint = 'holds_released_once', table = 'holds';
  end if;
  new.released_at := now();
  new.released_by := current_actor();
  return new;
end $$;
create trigger release before update on holds for each row execute function release_hold();

create function lift_hold() returns trigger language plpgsql as $$
declare
  batch_ids int[];
  product_ids int[];
begin
  perform refuse_old_snapshot();
  perform pg_advisory_xact_lock(hashtext('holds'));
  batch_ids := array(select h.cacao_batch_id from hold_batch h where h.hold_id = new.hold_id);
  product_ids := array(select h.product_id from hold_product h where h.hold_id = new.hold_id);
  perform 1 from cacao_batches b where b.cacao_batch_id = any (batch_ids)
    order by b.cacao_batch_id for no key update;
  perform 1 from products p where p.product_id = any (product_ids) order by p.product_id for no key update;
  delete from hold_batch h where h.hold_id = new.hold_id;
  delete from hold_product h where h.hold_id = new.hold_id;
  update cacao_batches b set on_hold = false where b.cacao_batch_id = any (batch_ids)
    and not exists (select from hold_batch h where h.cacao_batch_id = b.cacao_batch_id);
  update products p set on_hold = false where p.product_id = any (product_ids)
    and not exists (select from hold_product h where h.product_id = p.product_id);
  return null;
end $$;
create trigger lift after update on holds for each row execute function lift_hold();
call keep_append_only('holds', 'delete');
call record_changes_of('holds', 'hold_id::bigint');

-- ---------------------------------------------------------------- mass balance

-- One account for each scheme, site and period; the periods of a scheme and site do not overlap. Certified kilograms are
-- credited when they are bought and debited when they are sold as certified.
create table mass_balance_accounts (
  account_id      serial primary key,
  scheme          text collate "C" not null check (btrim(scheme) <> ''),
  supplier_id     int references suppliers,
  manufacturer_id int references manufacturers,
  period_from     date not null,
  period_to       date not null,
  -- Only the trigger of mass_balance_entries writes this column.
  balance_kg      numeric not null default 0
                  constraint mass_balance_accounts_balance_kg_exact check (is_kilograms(balance_kg)),
  constraint mass_balance_accounts_not_overdrawn check (balance_kg >= 0),
  constraint mass_balance_accounts_one_site check (num_nonnulls(supplier_id, manufacturer_id) = 1),
  constraint mass_balance_accounts_period check (period_to >= period_from),
  unique (scheme, supplier_id, period_from),
  unique (scheme, manufacturer_id, period_from)
);
create index on mass_balance_accounts (supplier_id, account_id) where supplier_id is not null;
create index on mass_balance_accounts (manufacturer_id, account_id) where manufacturer_id is not null;
call keep_texts_normal('mass_balance_accounts', '{scheme}');
call record_changes_of('mass_balance_accounts', 'account_id::bigint');

create table mass_balance_entries (
  entry_id       bigserial primary key,
  account_id     int not null references mass_balance_accounts,
  direction      text collate "C" not null check (direction in ('credit', 'debit')),
  quantity_kg    numeric not null check (quantity_kg > 0)
                 constraint mass_balance_entries_quantity_kg_exact check (is_kilograms(quantity_kg)),
  cacao_batch_id int references cacao_batches,
  "timestamp"    timestamptz not null default now(),
  note           text collate "C",
  record_time    timestamptz not null default now(),
  recorded_by    text collate "C" default current_actor()
);
create index on mass_balance_entries (account_id, entry_id);
create index on mass_balance_entries (cacao_batch_id, entry_id) where cacao_batch_id is not null;
call keep_append_only('mass_balance_entries');
call record_changes_of('mass_balance_entries', 'entry_id');

create function book_entries() returns trigger language plpgsql as $$
begin
  perform refuse_old_snapshot();
  perform 1 from mass_balance_accounts a where a.account_id in (select c.account_id from changed c)
    order by a.account_id for no key update;
  if exists (select from changed c join mass_balance_accounts a using (account_id)
             where (c."timestamp" at time zone 'UTC')::date not between a.period_from and a.period_to) then
    raise exception 'an entry lies outside of the period of its account'
      using errcode = 'check_violation', constraint = 'mass_balance_entries_in_period', table = 'mass_balance_entries';
  end if;
  update mass_balance_accounts a set balance_kg = a.balance_kg + d.kg
    from (select c.account_id, sum(case c.direction when 'credit' then c.quantity_kg else -c.quantity_kg end) as kg
          from changed c group by c.account_id) d
    where a.account_id = d.account_id;
  return null;
end $$;
create trigger booked after insert on mass_balance_entries
  referencing new table as changed for each statement execute function book_entries();
create trigger balance_kept before update of balance_kg on mass_balance_accounts
  for each row execute function refuse_own_mark('balance_kg');
create trigger balance_kept_from_the_first after insert on mass_balance_accounts
  for each row when (new.balance_kg <> 0) execute function refuse_own_mark('balance_kg');

-- A day of a site belongs to one account of a scheme. Writers of accounts of one site wait for each other on its row.
create function keep_periods_apart() returns trigger language plpgsql as $$
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
create trigger periods_apart after insert on mass_balance_accounts
  for each row execute function keep_periods_apart();
create trigger periods_apart_on_update
  after update of scheme, supplier_id, manufacturer_id, period_from, period_to on mass_balance_accounts
  for each row execute function keep_periods_apart();

-- An account with entries keeps its scheme, site and period.
create function keep_booked_account() returns trigger language plpgsql as $$
begin
  perform refuse_old_snapshot();
  if exists (select from mass_balance_entries e where e.account_id = new.account_id) then
    raise exception 'mass balance account % has entries: it keeps scheme, site and period', new.account_id
      using errcode = 'restrict_violation', constraint = 'mass_balance_accounts_booked_kept',
        table = 'mass_balance_accounts';
  end if;
  return null;
end $$;
create trigger booked_kept after update on mass_balance_accounts for each row
  when ((new.scheme, new.supplier_id, new.manufacturer_id, new.period_from, new.period_to)
    is distinct from (old.scheme, old.supplier_id, old.manufacturer_id, old.period_from, old.period_to))
  execute function keep_booked_account();

-- ---------------------------------------------------------------- ledger

-- Events that have no leaf yet. The table has no index and no key, so that writers of events never wait for each other.
create table ledger_queue (
  transaction_id bigint not null
);

-- A Merkle log of the events (RFC 9162, section 2.1), one row for each leaf. Only the integrator writes it.
-- `leaf` is the canonical JSON (RFC 8785) of ledger_record() with the sequence and a salt. Without the salt, a client could
-- guess an event and confirm it by its hash. `hashes` are the hashes of all complete subtrees that end with this leaf, its
-- own first: the node of height h over the leaves up to n is in row n, at byte 32 h.
create table ledger_entries (
  sequence       bigint primary key check (sequence >= 0),
  transaction_id bigint not null unique,
  salt           bytea not null check (octet_length(salt) = 16),
  leaf           bytea not null,
  hashes         bytea not null
);
call keep_append_only('ledger_entries');

-- Signed tree heads. `note` is a C2SP tlog-checkpoint, `public_key` the C2SP verifier key of its signature.
create table ledger_checkpoints (
  size       bigint primary key check (size > 0),
  root_hash  text collate "C" not null check (octet_length(decode(root_hash, 'base64')) = 32),
  issued_at  timestamptz not null,
  note       text collate "C" not null,
  public_key text collate "C" not null
);
call keep_append_only('ledger_checkpoints');

-- The members of an event that its leaf contains. A verifier reads this definition in schema.sql, not in the database.
-- Times are UTC with microseconds under all settings of a session. An event without details has no member for them.
create function ledger_record(t transactions) returns jsonb
  language sql stable parallel safe
  return jsonb_build_object(
    'transactionId', t.transaction_id,
    'productId', t.product_id,
    'cacaoBatchId', t.cacao_batch_id,
    'timestamp', case when isfinite(t."timestamp")
      then to_char(t."timestamp" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || case when t."timestamp" < '0001-01-01 00:00:00+00' then ' BC' else '' end
      else t."timestamp"::text end,
    'recordTime', case when isfinite(t.record_time)
      then to_char(t.record_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || case when t.record_time < '0001-01-01 00:00:00+00' then ' BC' else '' end
      else t.record_time::text end,
    'recordedBy', t.recorded_by,
    'event', t.event,
    'eventId', t.event_id,
    'corrects', t.corrects,
    'correctionReason', t.correction_reason)
    || case when t.details is null then '{}'::jsonb else jsonb_build_object('details', t.details) end;

-- The hash of the leaves from `first` to `last` - 1, computed from complete subtrees (RFC 9162, 2.1.1). `first` is 0 or a
-- multiple of a power of two that is at least `last` - `first`. Null where a leaf is missing.
create function ledger_subtree(first bigint, last bigint) returns bytea
  language plpgsql stable strict parallel safe as $$
declare
  behind bigint := last;
  height int;
  node bytea;
  folded bytea;
begin
  if last <= first then
    return case when last = 0 and first = 0 then sha256('') end;
  end if;
  while behind > first loop
    height := 0;
    while ((behind - first) >> height) & 1 = 0 loop
      height := height + 1;
    end loop;
    node := (select substr(e.hashes, height * 32 + 1, 32) from ledger_entries e where e.sequence = behind - 1);
    if node is null or octet_length(node) <> 32 then
      return null;
    end if;
    folded := case when folded is null then node else sha256('\x01'::bytea || node || folded) end;
    behind := behind - (1::bigint << height);
  end loop;
  return folded;
end $$;

create function ledger_root(size bigint) returns bytea
  language sql stable parallel safe
  return ledger_subtree(0, size);

-- The inclusion proof of a leaf in the tree of this size (RFC 9162, section 2.1.3.1).
create function ledger_inclusion(sequence bigint, size bigint) returns bytea[]
  language plpgsql stable strict parallel safe as $$
declare
  low bigint := 0;
  high bigint := size;
  half bigint;
  path bytea[] := '{}';
begin
  if sequence < 0 or sequence >= size then
    return null;
  end if;
  while high - low > 1 loop
    half := 1;
    while half * 2 < high - low loop
      half := half * 2;
    end loop;
    if sequence < low + half then
      path := ledger_subtree(low + half, high) || path;
      high := low + half;
    else
      path := ledger_subtree(low, low + half) || path;
      low := low + half;
    end if;
  end loop;
  return path;
end $$;

-- The consistency proof between the trees of two sizes (RFC 9162, section 2.1.4.1).
create function ledger_consistency(first bigint, second bigint) returns bytea[]
  language plpgsql stable strict parallel safe as $$
declare
  low bigint := 0;
  high bigint := second;
  half bigint;
  path bytea[] := '{}';
begin
  if first < 1 or first > second then
    return null;
  end if;
  while first < high loop
    half := 1;
    while half * 2 < high - low loop
      half := half * 2;
    end loop;
    if first <= low + half then
      path := ledger_subtree(low + half, high) || path;
      high := low + half;
    else
      path := ledger_subtree(low, low + half) || path;
      low := low + half;
    end if;
  end loop;
  return case when low = 0 then path else ledger_subtree(low, high) || path end;
end $$;

create function ledger_texts(hashes bytea[]) returns text[]
  language sql immutable strict parallel safe
  return array(select encode(h.hash, 'base64') from unnest(hashes) with ordinality h (hash, place) order by h.place);

-- The inclusion proof of each event in the tree of the newest checkpoint, or in the whole tree if no checkpoint covers it.
create view transaction_proofs (
  transaction_id, status, sequence, leaf, leaf_hash, tree_size, root_hash, hashes, checkpoint
) as
  select t.transaction_id, case when e.sequence is null then 'pending' else 'integrated' end, e.sequence,
    convert_from(e.leaf, 'UTF8'), encode(substr(e.hashes, 1, 32), 'base64'),
    tree.size, encode(ledger_root(tree.size), 'base64'), ledger_texts(ledger_inclusion(e.sequence, tree.size)),
    (select c.note from ledger_checkpoints c where c.size = tree.size)
  from transactions t
  left join ledger_entries e using (transaction_id)
  left join lateral (
    select coalesce(
      (select max(c.size) from ledger_checkpoints c where c.size > e.sequence),
      (select max(n.sequence) + 1 from ledger_entries n)) as size) tree on e.sequence is not null;

-- The log with its newest checkpoint, in one row.
create view ledger (ledger_id, size, root_hash, origin, public_key, checkpoint) as
  select 1, tree.size, encode(ledger_root(tree.size), 'base64'), split_part(c.public_key, '+', 1), c.public_key, c.note
  from (select coalesce(max(e.sequence) + 1, 0) as size from ledger_entries e) tree
  left join lateral (select * from ledger_checkpoints c order by c.size desc limit 1) c on true;

-- The consistency proof from one size to another (default: 1 and the size of the log); no row for sizes out of range.
create function ledger_consistency_proof(from_size bigint, to_size bigint)
  returns table (first_size bigint, second_size bigint, first_root text, second_root text, hashes text[])
  language sql stable parallel safe rows 1
as $$
  select log.first, log.size, encode(ledger_root(log.first), 'base64'), encode(ledger_root(log.size), 'base64'),
    ledger_texts(ledger_consistency(log.first, log.size))
  from (select coalesce(from_size, 1) as first, coalesce(to_size, tree.size) as size, tree.size as most
        from (select coalesce(max(e.sequence) + 1, 0) as size from ledger_entries e) tree) log
  where log.first between 1 and log.size and log.size <= log.most
$$;

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

-- ---------------------------------------------------------------- days and times

-- Every date and every time of every table lies in the years 1 to 9999, as in RFC 3339, and is never infinite.
do $$
declare
  dated record;
begin
  for dated in
    select c.relname as name, a.attname as attribute, case a.atttypid
        when 'date'::regtype then '%3$I between date ''0001-01-01'' and date ''9999-12-31'''
        else '%3$I >= timestamptz ''0001-01-01 00:00:00+00'' and %3$I < timestamptz ''10000-01-01 00:00:00+00''' end as rule
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
      and a.atttypid in ('date'::regtype, 'timestamptz'::regtype)
    order by 1, a.attnum
  loop
    execute format('alter table %I add constraint %I check (' || dated.rule || ')',
      dated.name, dated.name || '_' || dated.attribute || '_dated', dated.attribute);
  end loop;
end $$;

-- ---------------------------------------------------------------- version
-- The last migration that the schema contains (migrations/versions), in the table of Alembic. Every role can read it: the
-- server compares it at each start and for each readiness probe.
drop procedure keep_texts_normal(text, text[], text);
drop procedure record_changes_of(text, text, text, text);
drop procedure keep_append_only(text, text);
create table alembic_version (
  version_num varchar(32) not null constraint alembic_version_pkc primary key
);
grant select on alembic_version to public;
insert into alembic_version (version_num) values ('0003');

commit;
