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
