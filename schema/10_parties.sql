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
