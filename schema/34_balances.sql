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
