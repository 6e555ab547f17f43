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
