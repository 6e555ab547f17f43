-- ---------------------------------------------------------------- days and times

-- Every date and every time of every table lies in the years 1 to 9999, as in RFC 3339, and is never infinite.
do $$
declare
  dated record;
begin
  for dated in
    select c.relname as name, a.attname as attribute, case a.atttypid
        when 'date'::regtype then '%3$I between date ''0001-01-01'' and date ''9999-12-31'''
        else '%3$I >= timestamptz ''0001-01-01 00:00:00+00'' and %3$I < timestamptz ''10000-01-01 00:00:00+00''' end as rule
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
      and a.atttypid in ('date'::regtype, 'timestamptz'::regtype)
    order by 1, a.attnum
  loop
    execute format('alter table %I add constraint %I check (' || dated.rule || ')',
      dated.name, dated.name || '_' || dated.attribute || '_dated', dated.attribute);
  end loop;
end $$;
