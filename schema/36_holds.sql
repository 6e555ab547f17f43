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
