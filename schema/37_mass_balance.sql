-- ---------------------------------------------------------------- mass balance

-- One account for each scheme, site and period; the periods of a scheme and site do not overlap. Certified kilograms are
-- credited when they are bought and debited when they are sold as certified.
create table mass_balance_accounts (
  account_id      serial primary key,
  scheme          text collate "C" not null check (btrim(scheme) <> ''),
  supplier_id     int references suppliers,
  manufacturer_id int references manufacturers,
  period_from     date not null,
  period_to       date not null,
  -- Only the trigger of mass_balance_entries writes this column.
  balance_kg      numeric not null default 0
                  constraint mass_balance_accounts_balance_kg_exact check (is_kilograms(balance_kg)),
  constraint mass_balance_accounts_not_overdrawn check (balance_kg >= 0),
  constraint mass_balance_accounts_one_site check (num_nonnulls(supplier_id, manufacturer_id) = 1),
  constraint mass_balance_accounts_period check (period_to >= period_from),
  unique (scheme, supplier_id, period_from),
  unique (scheme, manufacturer_id, period_from)
);
create index on mass_balance_accounts (supplier_id, account_id) where supplier_id is not null;
create index on mass_balance_accounts (manufacturer_id, account_id) where manufacturer_id is not null;
call keep_texts_normal('mass_balance_accounts', '{scheme}');
call record_changes_of('mass_balance_accounts', 'account_id::bigint');

create table mass_balance_entries (
  entry_id       bigserial primary key,
  account_id     int not null references mass_balance_accounts,
  direction      text collate "C" not null check (direction in ('credit', 'debit')),
  quantity_kg    numeric not null check (quantity_kg > 0)
                 constraint mass_balance_entries_quantity_kg_exact check (is_kilograms(quantity_kg)),
  cacao_batch_id int references cacao_batches,
  "timestamp"    timestamptz not null default now(),
  note           text collate "C",
  record_time    timestamptz not null default now(),
  recorded_by    text collate "C" default current_actor()
);
create index on mass_balance_entries (account_id, entry_id);
create index on mass_balance_entries (cacao_batch_id, entry_id) where cacao_batch_id is not null;
call keep_append_only('mass_balance_entries');
call record_changes_of('mass_balance_entries', 'entry_id');

create function book_entries() returns trigger language plpgsql as $$
begin
  perform refuse_old_snapshot();
  perform 1 from mass_balance_accounts a where a.account_id in (select c.account_id from changed c)
    order by a.account_id for no key update;
  if exists (select from changed c join mass_balance_accounts a using (account_id)
             where (c."timestamp" at time zone 'UTC')::date not between a.period_from and a.period_to) then
    raise exception 'an entry lies outside of the period of its account'
      using errcode = 'check_violation', constraint = 'mass_balance_entries_in_period', table = 'mass_balance_entries';
  end if;
  update mass_balance_accounts a set balance_kg = a.balance_kg + d.kg
    from (select c.account_id, sum(case c.direction when 'credit' then c.quantity_kg else -c.quantity_kg end) as kg
          from changed c group by c.account_id) d
    where a.account_id = d.account_id;
  return null;
end $$;
create trigger booked after insert on mass_balance_entries
  referencing new table as changed for each statement execute function book_entries();
create trigger balance_kept before update of balance_kg on mass_balance_accounts
  for each row execute function refuse_own_mark('balance_kg');
create trigger balance_kept_from_the_first after insert on mass_balance_accounts
  for each row when (new.balance_kg <> 0) execute function refuse_own_mark('balance_kg');

-- A day of a site belongs to one account of a scheme. Writers of accounts of one site wait for each other on its row.
create function keep_periods_apart() returns trigger language plpgsql as $$
begin
  perform refuse_old_snapshot();
  perform 1 from suppliers s where s.supplier_id = new.supplier_id for no key update;
  perform 1 from manufacturers m where m.manufacturer_id = new.manufacturer_id for no key update;
  if exists (select from mass_balance_accounts a
             where a.account_id <> new.account_id and same_scheme(a.scheme, new.scheme)
               and (a.supplier_id = new.supplier_id or a.manufacturer_id = new.manufacturer_id)
               and a.period_from <= new.period_to and new.period_from <= a.period_to) then
    raise exception 'an account of % at this site has some of the days from % to %',
        new.scheme, new.period_from, new.period_to
      using errcode = 'exclusion_violation', constraint = 'mass_balance_accounts_periods_apart',
        table = 'mass_balance_accounts';
  end if;
  return null;
end $$;
create trigger periods_apart after insert on mass_balance_accounts
  for each row execute function keep_periods_apart();
create trigger periods_apart_on_update
  after update of scheme, supplier_id, manufacturer_id, period_from, period_to on mass_balance_accounts
  for each row execute function keep_periods_apart();

-- An account with entries keeps its scheme, site and period.
create function keep_booked_account() returns trigger language plpgsql as $$
begin
  perform refuse_old_snapshot();
  if exists (select from mass_balance_entries e where e.account_id = new.account_id) then
    raise exception 'mass balance account % has entries: it keeps scheme, site and period', new.account_id
      using errcode = 'restrict_violation', constraint = 'mass_balance_accounts_booked_kept',
        table = 'mass_balance_accounts';
  end if;
  return null;
end $$;
create trigger booked_kept after update on mass_balance_accounts for each row
  when ((new.scheme, new.supplier_id, new.manufacturer_id, new.period_from, new.period_to)
    is distinct from (old.scheme, old.supplier_id, old.manufacturer_id, old.period_from, old.period_to))
  execute function keep_booked_account();
