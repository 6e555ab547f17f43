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
