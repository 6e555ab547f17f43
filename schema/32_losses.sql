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
