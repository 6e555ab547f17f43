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
