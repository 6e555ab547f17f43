-- cacaotrace: the truth of the database. PostgreSQL 14 to 18, UTF-8.
--   psql -f schema.sql        applies it to an empty database, in one transaction
-- Text columns are COLLATE "C": one order on every server, so that a cursor or an index
-- means the same after an upgrade of the operating system's locale files.
begin;

create extension if not exists unaccent;
create extension if not exists pg_trgm;

-- ---------------------------------------------------------------- rules as functions

-- What `contains` compares: compatibility-composed, without accents, with case folded, whatever the server's locale.
-- Case is folded by Unicode 14.0 (CaseFolding.txt, simple: status C and S). The table has the letters above ASCII that NFKC
-- leaves as they are, as (first, last, step, distance); `python -m models.texts.case_folding` prints it.
-- Latin-1, Greek and Cyrillic have short lists of their own, since translate() looks through all of its list.
-- Names are qualified, since an index is made and restored without a search path. It is PL/pgSQL, since an SQL function that
-- calls another takes ten times as long. unaccent() is only STABLE because its dictionary can be replaced; this schema does not.
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

-- The one form of names and identifiers: NFC, without characters that nobody sees, one space between words, none around.
-- Joiners stay behind letters of the scripts that write with them. models/texts/normal_form.py says the same.
create function normal_text(value text) returns text
  language sql immutable strict parallel safe
  return normalize(btrim(regexp_replace(regexp_replace(value,
      '[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]'
      '|(?<![\u0600-\u0dff\u1000-\u109f\u1780-\u17ff])[\u200c\u200d]', '', 'g'),
    '[\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u3164\uffa0]+', ' ', 'g'), ' '), NFC);

-- Most texts are printable ASCII with single spaces, which one look tells.
create function is_normal_text(value text) returns boolean
  language sql immutable parallel safe
  return value is null or value ~ '^[!-~]+( [!-~]+)*$' or value = normal_text(value);

-- Two spellings of one certification scheme.
create function same_scheme(one text, other text) returns boolean
  language sql immutable parallel safe
  return one = other or search_key(one) = search_key(other);

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

-- A finite number of so many digits before the point and so many behind it. A column of type numeric(14, 3) would round
-- what is finer without a word, so columns are of type numeric, and what a column cannot hold exactly is refused.
create function is_decimal(value numeric, digits int, decimals int) returns boolean
  language sql immutable parallel safe
  return abs(value) < 10::numeric ^ digits and value = round(value, decimals);

-- ---------------------------------------------------------------- parties

create table manufacturers (
  manufacturer_id serial primary key,
  name            text collate "C" not null check (btrim(name) <> ''),
  location        text collate "C",
  country         text collate "C" check (is_country(country))
);
create index on manufacturers (name, manufacturer_id);
create index on manufacturers (country, manufacturer_id);
create index manufacturers_name_search on manufacturers using gin (search_key(name) gin_trgm_ops);

create table suppliers (
  supplier_id    serial primary key,
  name           text collate "C" not null check (btrim(name) <> ''),
  location       text collate "C",
  contact_person text collate "C",
  country        text collate "C" check (is_country(country)),
  -- The name of this party in the system it was imported from; several cooperatives share one name.
  external_id    text collate "C" unique check (btrim(external_id) <> '')
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
  -- As the document names it, where that is not the supplier itself: the group it is certified with.
  holder         text collate "C" check (btrim(holder) <> ''),
  -- SHA-256 of the document, in hexadecimal.
  document_hash  text collate "C" check (document_hash ~ '^[0-9a-f]{64}$'),
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
  area_ha       numeric not null check (area_ha > 0)
                constraint plots_area_ha_exact check (is_decimal(area_ha, 8, 4)),
  -- RFC 7946 geometry in WGS 84: a Point below 4 ha, else a Polygon (EUDR, Article 2(28)).
  geometry      jsonb check (jsonb_typeof(geometry) = 'object'
                             and geometry ->> 'type' in ('Point', 'Polygon', 'MultiPolygon'))
                constraint plots_geometry_levels check (
                  not jsonb_path_exists(geometry, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")')),
  unique (supplier_id, name)
);
create index on plots (supplier_id, plot_id);
create index on plots (country, plot_id);

-- ---------------------------------------------------------------- lots

create table cacao_batches (
  cacao_batch_id  serial primary key,
  supplier_id     int references suppliers,
  harvest_date    date,
  quantity        numeric not null check (quantity > 0)
                  constraint cacao_batches_quantity_exact check (is_decimal(quantity, 11, 3)),
  certification   text collate "C",
  stage           text collate "C" not null default 'beans'
                  check (stage in ('beans', 'nibs', 'liquor', 'butter', 'powder', 'couverture')),
  lot_number      text collate "C" check (btrim(lot_number) <> ''),
  production_date date,
  -- How it was kept apart from other cacao (ISO 22095); null where nobody says.
  custody         text collate "C" check (custody in ('identity_preserved', 'segregated', 'mass_balance')),
  -- Written by the triggers of `holds` alone.
  on_hold         boolean not null default false,
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
create index cacao_batches_on_hold on cacao_batches (cacao_batch_id) where on_hold;

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

-- ---------------------------------------------------------------- edges

-- kg of a batch that went into a product; NULL where the first design never recorded it.
create table product_cacao_batch (
  product_id     int not null references products,
  cacao_batch_id int not null references cacao_batches,
  quantity_kg    numeric check (quantity_kg > 0)
                 constraint product_cacao_batch_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3)),
  -- When this was made known, for a trace as of a time: the edge itself says nothing of the day it came about.
  record_time    timestamptz not null default now(),
  primary key (product_id, cacao_batch_id)
);
create index on product_cacao_batch (cacao_batch_id, product_id);

-- kg of one batch that went into another: many inputs to a lot, many outputs from one.
create table cacao_batch_input (
  output_batch_id int not null references cacao_batches,
  input_batch_id  int not null references cacao_batches,
  quantity_kg     numeric not null check (quantity_kg > 0)
                  constraint cacao_batch_input_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3)),
  record_time     timestamptz not null default now(),
  primary key (output_batch_id, input_batch_id),
  check (output_batch_id <> input_batch_id)
);
create index on cacao_batch_input (input_batch_id, output_batch_id);

create table cacao_batch_plot (
  cacao_batch_id int not null references cacao_batches,
  plot_id        int not null references plots,
  quantity_kg    numeric check (quantity_kg > 0)
                 constraint cacao_batch_plot_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3)),
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
  "timestamp"    timestamptz not null default now(),
  event          text collate "C" not null check (btrim(event) <> ''),
  -- As deep as every way out can show.
  details        jsonb constraint transactions_details_levels check (
                   not jsonb_path_exists(details, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")')),
  event_id       text collate "C" unique check (btrim(event_id) <> ''),
  record_time    timestamptz not null default now(),
  recorded_by    text collate "C" default current_actor(),
  -- The earlier event that this one corrects, and why (EPCIS 2.0, error declarations).
  corrects          bigint references transactions,
  correction_reason text collate "C" check (btrim(correction_reason) <> ''),
  -- Of one product or one batch, or, as the first design took it, of nothing that is known: then it is a finding.
  constraint transactions_one_subject check (num_nonnulls(product_id, cacao_batch_id) <= 1),
  constraint transactions_corrects_earlier check (corrects < transaction_id),
  constraint transactions_corrects_with_reason check ((corrects is null) = (correction_reason is null))
);
create index on transactions (product_id, transaction_id) where product_id is not null;
create index on transactions (cacao_batch_id, transaction_id) where cacao_batch_id is not null;
create index on transactions (corrects, transaction_id) where corrects is not null;
create index on transactions ("timestamp", transaction_id);
create index on transactions (event, transaction_id);
-- The few that findings look at among millions.
create index transactions_without_subject on transactions (transaction_id)
  where product_id is null and cacao_batch_id is null;
create index transactions_in_future on transactions (transaction_id) where "timestamp" > record_time;
create index transactions_with_kilograms on transactions (transaction_id)
  where details ?| '{quantityKg,quantity_kg,weight,quantityList}';

-- What a lot has lost. Append-only: a correction gives back kilograms of an earlier loss, and is below zero.
create table losses (
  loss_id        bigserial primary key,
  cacao_batch_id int not null references cacao_batches,
  quantity_kg    numeric not null check (quantity_kg <> 0)
                 constraint losses_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3)),
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

-- Nothing more is made of a held lot, nor of what was made of it. A hold ends once, with a reason.
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

-- What a hold that is not released reaches; written by its triggers.
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

-- ---------------------------------------------------------------- ledger

-- Events that no leaf holds yet. No index and no key: who appends an event waits for nobody.
create table ledger_queue (
  transaction_id bigint not null
);

-- A Merkle log of the events (RFC 9162, section 2.1), one row a leaf; written by the integrator alone.
-- `leaf` is the canonical JSON (RFC 8785) of what ledger_record says of the event, with its sequence and a salt,
-- without which a hash would tell whoever guesses what the event says. `hashes` are those of all complete subtrees that
-- end with this leaf, its own first: the node of height h over the leaves up to n is in row n, at byte 32 h.
create table ledger_entries (
  sequence       bigint primary key check (sequence >= 0),
  transaction_id bigint not null unique,
  salt           bytea not null check (octet_length(salt) = 16),
  leaf           bytea not null,
  hashes         bytea not null
);

-- Signed tree heads: `note` is a C2SP tlog-checkpoint, `public_key` the C2SP verifier key it was signed with.
create table ledger_checkpoints (
  size       bigint primary key check (size > 0),
  root_hash  text collate "C" not null check (octet_length(decode(root_hash, 'base64')) = 32),
  issued_at  timestamptz not null,
  note       text collate "C" not null,
  public_key text collate "C" not null
);

-- What a leaf says of an event. A verifier reads this definition in schema.sql, not in the database.
-- UTC to the microsecond whatever the session's settings; details that are not there are not null.
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

-- The hash over the leaves from `first` on and below `last`, folded from complete subtrees (RFC 9162, 2.1.1).
-- `first` is 0 or a multiple of a power of two that is not less than their number. Null where a leaf is missing.
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

-- RFC 9162, section 2.1.3.1: the hashes that lead from a leaf to the root of the tree of this size.
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

-- RFC 9162, section 2.1.4.1: the hashes that show that the tree of one size begins with that of a smaller one.
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

-- The proof of each event: under the newest checkpoint, or where that does not reach it, in the tree as it is.
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

-- The log as it is, one row, with its newest checkpoint.
create view ledger (ledger_id, size, root_hash, origin, public_key, checkpoint) as
  select 1, tree.size, encode(ledger_root(tree.size), 'base64'), split_part(c.public_key, '+', 1), c.public_key, c.note
  from (select coalesce(max(e.sequence) + 1, 0) as size from ledger_entries e) tree
  left join lateral (select * from ledger_checkpoints c order by c.size desc limit 1) c on true;

-- The proof from one size to another, which is that of the log where it is null; no row where there is none.
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

-- ---------------------------------------------------------------- yields

-- kg of the later stage that a kg of the earlier one gives, by whose rule and since when.
create table conversion_factors (
  conversion_factor_id serial primary key,
  from_stage           text collate "C" not null
                       check (from_stage in ('beans', 'nibs', 'liquor', 'butter', 'powder', 'couverture')),
  to_stage             text collate "C" not null
                       check (to_stage in ('beans', 'nibs', 'liquor', 'butter', 'powder', 'couverture')),
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

-- Settings that every writer obeys: one row. `yields` says what becomes of a lot that gives more than its inputs yield.
create table matter_rules (
  matter_rules_id int primary key default 1 check (matter_rules_id = 1),
  yields          text collate "C" not null default 'flag' check (yields in ('ignore', 'flag', 'refuse'))
);
insert into matter_rules default values;

-- What was written although a rule speaks against it.
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

-- ---------------------------------------------------------------- mass balance

-- One account a scheme, site and period, of which no two share a day: what may be sold as certified is what was bought as such.
create table mass_balance_accounts (
  account_id      serial primary key,
  scheme          text collate "C" not null check (btrim(scheme) <> ''),
  supplier_id     int references suppliers,
  manufacturer_id int references manufacturers,
  period_from     date not null,
  period_to       date not null,
  -- Written by the trigger of the entries alone.
  balance_kg      numeric not null default 0
                  constraint mass_balance_accounts_balance_kg_exact check (is_decimal(balance_kg, 11, 3)),
  constraint mass_balance_accounts_not_overdrawn check (balance_kg >= 0),
  constraint mass_balance_accounts_one_site check (num_nonnulls(supplier_id, manufacturer_id) = 1),
  constraint mass_balance_accounts_period check (period_to >= period_from),
  unique (scheme, supplier_id, period_from),
  unique (scheme, manufacturer_id, period_from)
);
create index on mass_balance_accounts (supplier_id, account_id) where supplier_id is not null;
create index on mass_balance_accounts (manufacturer_id, account_id) where manufacturer_id is not null;

create table mass_balance_entries (
  entry_id       bigserial primary key,
  account_id     int not null references mass_balance_accounts,
  direction      text collate "C" not null check (direction in ('credit', 'debit')),
  quantity_kg    numeric not null check (quantity_kg > 0)
                 constraint mass_balance_entries_quantity_kg_exact check (is_decimal(quantity_kg, 11, 3)),
  cacao_batch_id int references cacao_batches,
  "timestamp"    timestamptz not null default now(),
  note           text collate "C",
  record_time    timestamptz not null default now(),
  recorded_by    text collate "C" default current_actor()
);
create index on mass_balance_entries (account_id, entry_id);
create index on mass_balance_entries (cacao_batch_id, entry_id) where cacao_batch_id is not null;

-- ---------------------------------------------------------------- people and requests

-- What a new name of a user or a key is made of. Letters of other scripts look like these.
create function is_plain_name(value text) returns boolean
  language sql immutable strict parallel safe
  return value collate "C" ~ '^[A-Za-z0-9]+([ ._@+-][A-Za-z0-9]+)*$';

-- Plain names that look alike have one: I, l and 1; O, o and 0; rn and m; vv and w. Their case is lower(name)'s.
create function look_of_name(value text) returns text
  language sql immutable strict parallel safe
  return lower(replace(replace(translate(value, 'I1O0', 'lloo'), 'rn', 'm'), 'vv', 'w') collate "C");

-- A name that is there already is left as it is, so that whoever has it still signs in.
create function refuse_odd_name() returns trigger language plpgsql as $$
begin
  if not is_plain_name(to_jsonb(new) ->> tg_argv[0]) then
    raise exception 'a name has letters A to Z, digits, and single . _ - @ + or spaces between them'
      using errcode = 'check_violation', constraint = tg_table_name || '_name_plain', table = tg_table_name;
  end if;
  return new;
end $$;

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
create unique index users_name_case on users (lower(username));
create unique index users_name_look on users (look_of_name(username));
create trigger plain_name before insert or update of username on users
  for each row execute function refuse_odd_name('username');

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
  expires_at   timestamptz not null,
  revoked_at   timestamptz,
  last_used_at timestamptz
);
create unique index api_keys_name_case on api_keys (lower(name));
create unique index api_keys_name_look on api_keys (look_of_name(name));
create trigger plain_name before insert or update of name on api_keys
  for each row execute function refuse_odd_name('name');

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

-- One row a request that named a key: the same actor's same key with the same input answers with the same object.
-- Rows are removed once they are older than IDEMPOTENCY_HOURS.
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

-- ---------------------------------------------------------------- matter adds up

-- All that a lot gave: to products, to other lots, and what it lost.
create view cacao_batch_draws (cacao_batch_id, quantity_kg) as
  select cacao_batch_id, quantity_kg from product_cacao_batch
  union all select input_batch_id, quantity_kg from cacao_batch_input
  union all select cacao_batch_id, quantity_kg from losses;

-- What the recorded inputs of a lot yield at most: null where a factor is not known, no row where it has no inputs.
-- The factor is the one of the day of production, of the lot's own scheme if that has one, else the most generous.
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

-- Certificates of a lot's supplier that cover its claim on the day it was produced, or else harvested.
create view cacao_batch_cover (cacao_batch_id, certificate_id) as
  select b.cacao_batch_id, c.certificate_id
  from cacao_batches b join certificates c on c.supplier_id = b.supplier_id and same_scheme(c.scheme, b.certification)
    and coalesce(b.production_date, b.harvest_date) between c.valid_from and c.valid_to;

create function refuse_old_snapshot() returns void language plpgsql as $$
begin
  -- Its snapshot would be older than what the locks are waited for.
  if current_setting('transaction_isolation') = 'repeatable read' then
    raise exception 'uses of cacao batches are written under READ COMMITTED or SERIALIZABLE'
      using errcode = 'feature_not_supported';
  end if;
end $$;

-- A lot gives no more than its recorded inputs yield. While they are being added, that bound only grows: nobody
-- needs to say when they are complete.
-- Index look-ups a lot, whatever the statistics say: planned for tables that were small or never analyzed, it would
-- read all lots once for each.
create function check_yields(batch_ids int[]) returns void language plpgsql
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

-- `using_it`: the lots are used, not only weighed; `output_ids`: what they went into is written to as well.
create function check_batches_not_overdrawn(batch_ids int[], using_it boolean, output_ids int[] default '{}')
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
  -- What a kg of it yields is another with another stage.
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

-- Losses count against what a lot holds, whether it is on hold or not, and are events of it.
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

-- ---------------------------------------------------------------- custody

create function custody_rank(custody text) returns int
  language sql immutable parallel safe
  return case custody when 'identity_preserved' then 3 when 'segregated' then 2 when 'mass_balance' then 1 else 0 end;

-- The supplier of what a lot was first made of. Asked of lots of one origin only, so that any way back is right.
create function origin_of(batch_id int) returns int language sql stable as $$
  with recursive back (id) as (
    select batch_id
    union select (select min(i.input_batch_id) from cacao_batch_input i where i.output_batch_id = back.id)
    from back where back.id is not null)
  select b.supplier_id from back join cacao_batches b on b.cacao_batch_id = back.id
  where not exists (select from cacao_batch_input i where i.output_batch_id = back.id) limit 1
$$;

-- A lot's custody is no stronger than that of any input, and no weaker than that of what was made of it.
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

-- Lots that went as identity preserved into others of that kind, which would be of two origins if theirs changed.
create function keep_origins(batch_ids int[]) returns void language plpgsql as $$
declare
  moved int;
begin
  select min(b.cacao_batch_id) into moved from cacao_batches b
    where b.cacao_batch_id = any (batch_ids) and b.custody = 'identity_preserved'
      and exists (select from cacao_batch_input e join cacao_batches t on t.cacao_batch_id = e.output_batch_id
                  where e.input_batch_id = b.cacao_batch_id and t.custody = 'identity_preserved');
  if moved is not null then
    raise exception 'cacao batch % is of one origin, and has given as such', moved
      using errcode = 'check_violation', constraint = 'cacao_batch_custody_kept', table = 'cacao_batches';
  end if;
end $$;

-- A lot takes the weakest custody of its inputs, and its own if that was stated and is weaker. One that had inputs
-- and is of unknown custody stays so. Called with the lots locked.
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
  -- Who records uses holds the locks of the lots between; nobody else may make one stronger meanwhile.
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
-- After, not before: COPY writes many rows at once only where nothing comes before a row.
create trigger on_hold_kept_from_the_first after insert on cacao_batches
  for each row when (new.on_hold) execute function refuse_own_mark('on_hold');
create trigger on_hold_kept_from_the_first after insert on products
  for each row when (new.on_hold) execute function refuse_own_mark('on_hold');

-- Marks the lot and all made of it. A use that is being written holds the lock of the lot it draws on, so after each
-- wait it is asked again what was made of the marked ones; what is marked gives nothing more.
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

-- ---------------------------------------------------------------- mass balance adds up

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

-- A day of a site belongs to one account of a scheme. Who opens accounts of one site waits for its row.
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

-- What was booked was booked to a scheme, a site and a period: with entries an account keeps them.
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

-- ---------------------------------------------------------------- names and identifiers

-- Whoever writes, a name or an identifier is stored in its normal form. An identifier in which a character was lost
-- (U+FFFD) would be another one: it is refused.
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
  for part in
    select * from (values ('suppliers', 'external_id'), ('certificates', 'number'), ('cacao_batches', 'lot_number'),
      ('products', 'batch_number'), ('due_diligence_statements', 'reference_number'), ('transactions', 'event_id')
    ) t (name, identifier)
  loop
    execute format('alter table %1$I add constraint %2$I check (strpos(%3$I, U&''\FFFD'') = 0)',
      part.name, part.name || '_' || part.identifier || '_whole', part.identifier);
  end loop;
end $$;

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

create function refuse_foreign_correction() returns trigger language plpgsql as $$
begin
  if exists (select from transactions t where t.transaction_id = new.corrects
             and (t.product_id, t.cacao_batch_id) is distinct from (new.product_id, new.cacao_batch_id)) then
    raise exception 'event % happened to something else', new.corrects
      using errcode = 'check_violation', constraint = 'transactions_corrects_own', table = 'transactions';
  end if;
  return null;
end $$;
create trigger corrects_own after insert on transactions
  for each row when (new.corrects is not null) execute function refuse_foreign_correction();

create function refuse_change_of_record() returns trigger language plpgsql as $$
begin
  raise exception '% stay as they were recorded: % is refused', tg_table_name, tg_op
    using errcode = 'restrict_violation', constraint = tg_table_name || '_append_only', table = tg_table_name;
end $$;
create trigger append_only before update or delete on losses
  for each row execute function refuse_change_of_record();
create trigger append_only_truncate before truncate on losses
  for each statement execute function refuse_change_of_record();
create trigger append_only before update or delete on mass_balance_entries
  for each row execute function refuse_change_of_record();
create trigger append_only_truncate before truncate on mass_balance_entries
  for each statement execute function refuse_change_of_record();
create trigger append_only before update or delete on ledger_entries
  for each row execute function refuse_change_of_record();
create trigger append_only_truncate before truncate on ledger_entries
  for each statement execute function refuse_change_of_record();
create trigger append_only before update or delete on ledger_checkpoints
  for each row execute function refuse_change_of_record();
create trigger append_only_truncate before truncate on ledger_checkpoints
  for each statement execute function refuse_change_of_record();
create trigger append_only before delete on holds
  for each row execute function refuse_change_of_record();
create trigger append_only_truncate before truncate on holds
  for each statement execute function refuse_change_of_record();

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
-- Of events, which also wait for their leaf from then on: one trigger, and statements that are planned once.
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
    ('losses', 'loss_id'),
    ('holds', 'hold_id::bigint'),
    ('conversion_factors', 'conversion_factor_id::bigint'),
    ('matter_rules', 'matter_rules_id::bigint'),
    ('mass_balance_accounts', 'account_id::bigint'),
    ('mass_balance_entries', 'entry_id'),
    ('users', 'user_id::bigint'),
    ('api_keys', 'api_key_id::bigint'),
    ('sessions', 'user_id::bigint')) t (name, key)
  loop
    execute format('create trigger recorded_insert after insert on %I referencing new table as changed
      for each statement execute function %s', recorded.name, case when recorded.name = 'transactions'
        then 'record_events()' else format('record_change(%L)', recorded.key) end);
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

-- ---------------------------------------------------------------- days and times

-- Every day and every time is one that the calendar of RFC 3339 can name: of the years 1 to 9999, never infinite.
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

commit;
