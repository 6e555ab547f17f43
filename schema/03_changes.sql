-- ---------------------------------------------------------------- changes
-- Who wrote what: an append-only record of each statement that changes a table.

-- The actor of the transaction: the setting cacaotrace.actor, which the server sets, else the role of the session. A client
-- that may write can set any actor, so this is a record and not a proof.
create function current_actor() returns text
  language sql stable parallel safe
  return coalesce(nullif(current_setting('cacaotrace.actor', true), ''), 'sql:' || session_user);

create function refuse_change_of_record() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op
    using errcode = 'restrict_violation', constraint = tg_table_name || '_append_only', table = tg_table_name;
end $$;

-- One row for each statement that wrote. `keys` are the primary keys of the written rows: numbers, or pairs of numbers.
-- For sessions they are user_ids, because the key of a session is a hash of its token.
create table changes (
  change_id bigserial primary key,
  at        timestamptz not null default now(),
  actor     text collate "C" not null default current_actor(),
  relation  text collate "C" not null,
  operation text collate "C" not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  keys      bigint[] not null
);
create index on changes (relation, change_id);
create index on changes (actor, change_id);

create function record_change() returns trigger language plpgsql as $$
begin
  execute format('insert into changes (relation, operation, keys)
    select %L, %L, array_agg(%s) from changed having count(*) > 0', tg_table_name, tg_op, tg_argv[0]);
  return null;
end $$;
-- For transactions: also puts the new events into the queue of the ledger. Its statements are static, so that PL/pgSQL
-- plans them once.
create function record_events() returns trigger language plpgsql as $$
begin
  insert into changes (relation, operation, keys)
    select 'transactions', 'INSERT', array_agg(c.transaction_id) from changed c having count(*) > 0;
  insert into ledger_queue (transaction_id) select c.transaction_id from changed c;
  return null;
end $$;
create function record_change_of_row() returns trigger language plpgsql as $$
begin
  execute format('insert into changes (relation, operation, keys) select %L, %L, array[($1).%s]',
    tg_table_name, tg_op, tg_argv[0]) using new;
  return null;
end $$;
create function record_truncate() returns trigger language plpgsql as $$
begin
  insert into changes (relation, operation, keys) values (tg_table_name, tg_op, '{}');
  return null;
end $$;

-- Makes the triggers that record the changes of a table. `key` is an expression of its columns. `columns` are the ones
-- whose update is a change, where others are written often and are not (api_keys, sessions): PostgreSQL has no transition
-- table for a list of columns, so these are recorded row by row. schema.sql drops this procedure at its end.
create procedure record_changes_of(relation text, key text, columns text default null, inserts text default null)
  language plpgsql as $$
begin
  execute format('create trigger recorded_insert after insert on %I referencing new table as changed
      for each statement execute function %s', relation, coalesce(inserts, format('record_change(%L)', key)));
  execute format('create trigger recorded_delete after delete on %I referencing old table as changed
      for each statement execute function record_change(%L)', relation, key);
  execute format('create trigger recorded_truncate before truncate on %I
      for each statement execute function record_truncate()', relation);
  if columns is null then
    execute format('create trigger recorded_update after update on %I referencing new table as changed
      for each statement execute function record_change(%L)', relation, key);
  else
    execute format('create trigger recorded_update after update of %s on %I
      for each row execute function record_change_of_row(%L)', columns, relation, key);
  end if;
end $$;

-- Makes the triggers that refuse every change of a table but an insert. `refused` may leave out UPDATE.
create procedure keep_append_only(relation text, refused text default 'update or delete')
  language plpgsql as $$
begin
  execute format('create trigger append_only before %s on %I
      for each row execute function refuse_change_of_record()', refused, relation);
  execute format('create trigger append_only_truncate before truncate on %I
      for each statement execute function refuse_change_of_record()', relation);
end $$;
call keep_append_only('changes');
