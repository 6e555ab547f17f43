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
