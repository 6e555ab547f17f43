-- Rules said once: checks of stages, kilograms and JSON call one function each; messages and comments in functions are
-- plainer. No check accepts or refuses another value than before.

create or replace function is_kilograms(value numeric) returns boolean
  language sql immutable parallel safe
  return is_decimal(value, 11, 3);

create or replace function is_stage(value text) returns boolean
  language sql immutable parallel safe
  return value in ('beans', 'nibs', 'liquor', 'butter', 'powder', 'couverture');

create or replace function is_printable_json(value jsonb) returns boolean
  language sql immutable parallel safe
  return not jsonb_path_exists(value, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")');

create or replace function refuse_change_of_record() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op
    using errcode = 'restrict_violation', constraint = tg_table_name || '_append_only', table = tg_table_name;
end $$;

create or replace function refuse_foreign_correction() returns trigger language plpgsql as $$
begin
  if exists (select from transactions t where t.transaction_id = new.corrects
             and (t.product_id, t.cacao_batch_id) is distinct from (new.product_id, new.cacao_batch_id)) then
    raise exception 'event % is about another product or batch', new.corrects
      using errcode = 'check_violation', constraint = 'transactions_corrects_own', table = 'transactions';
  end if;
  return null;
end $$;

create or replace function refuse_old_snapshot() returns void language plpgsql as $$
begin
  -- The checks read after they wait for locks. Under REPEATABLE READ they would not see what was committed meanwhile.
  if current_setting('transaction_isolation') = 'repeatable read' then
    raise exception 'uses of cacao batches are written under READ COMMITTED or SERIALIZABLE'
      using errcode = 'feature_not_supported';
  end if;
end $$;

create or replace function check_yields(batch_ids int[]) returns void language plpgsql
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

create or replace function check_batches_not_overdrawn(batch_ids int[], using_it boolean, output_ids int[] default '{}')
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

create or replace function check_batch_use() returns trigger language plpgsql as $$
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

create or replace function check_quantity() returns trigger language plpgsql as $$
declare
  -- With another stage of an input, its outputs have another yield.
  outputs int[] := array(select i.output_batch_id from cacao_batch_input i
    where i.input_batch_id = new.cacao_batch_id and new.stage <> old.stage);
begin
  perform check_batches_not_overdrawn(array[new.cacao_batch_id], false, outputs);
  perform check_yields(new.cacao_batch_id || outputs);
  return null;
end $$;

create or replace function check_custody(batch_ids int[]) returns void language plpgsql as $$
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

create or replace function keep_origins(batch_ids int[]) returns void language plpgsql as $$
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

create or replace function keep_custody() returns trigger language plpgsql as $$
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

alter table cacao_batches
  drop constraint cacao_batches_quantity_exact,
  add constraint cacao_batches_quantity_exact check (is_kilograms(quantity)),
  drop constraint cacao_batches_stage_check,
  add constraint cacao_batches_stage_check check (is_stage(stage));

alter table product_cacao_batch
  drop constraint product_cacao_batch_quantity_kg_exact,
  add constraint product_cacao_batch_quantity_kg_exact check (is_kilograms(quantity_kg));

alter table cacao_batch_input
  drop constraint cacao_batch_input_quantity_kg_exact,
  add constraint cacao_batch_input_quantity_kg_exact check (is_kilograms(quantity_kg));

alter table cacao_batch_plot
  drop constraint cacao_batch_plot_quantity_kg_exact,
  add constraint cacao_batch_plot_quantity_kg_exact check (is_kilograms(quantity_kg));

alter table losses
  drop constraint losses_quantity_kg_exact,
  add constraint losses_quantity_kg_exact check (is_kilograms(quantity_kg));

alter table mass_balance_accounts
  drop constraint mass_balance_accounts_balance_kg_exact,
  add constraint mass_balance_accounts_balance_kg_exact check (is_kilograms(balance_kg));

alter table mass_balance_entries
  drop constraint mass_balance_entries_quantity_kg_exact,
  add constraint mass_balance_entries_quantity_kg_exact check (is_kilograms(quantity_kg));

alter table conversion_factors
  drop constraint conversion_factors_from_stage_check,
  add constraint conversion_factors_from_stage_check check (is_stage(from_stage)),
  drop constraint conversion_factors_to_stage_check,
  add constraint conversion_factors_to_stage_check check (is_stage(to_stage));

alter table plots
  drop constraint plots_geometry_levels,
  add constraint plots_geometry_levels check (is_printable_json(geometry));

alter table transactions
  drop constraint transactions_details_levels,
  add constraint transactions_details_levels check (is_printable_json(details));

drop trigger append_only on changes;
drop trigger append_only_truncate on changes;
drop function refuse_change_of_changes();
create trigger append_only before update or delete on changes
  for each row execute function refuse_change_of_record();
create trigger append_only_truncate before truncate on changes
  for each statement execute function refuse_change_of_record();
