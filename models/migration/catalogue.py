"""Describe the catalogue of a schema, so that two databases can be compared.

A description has one entry for each object: its kind and name, and its definition as this server
prints it. Definitions are comparable between two schemas of one server only, because the printed form
of an expression differs between versions of PostgreSQL; `described_script` therefore applies a script to
a schema that is rolled back, and describes that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2

from models.migration.schema_file import statements

Object = tuple[str, str]
Description = Mapping[Object, str]

SCRATCH = "cacaotrace_scratch"
# Kinds that an operator may change without changing what the schema means.
PRIVILEGE, COMMENT = "privileges", "comment"

OBJECTS = """
with ours as (select current_schema()::regnamespace as space),
relations as (
  select c.* from pg_class c, ours where c.relnamespace = ours.space and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')),
functions as (
  select p.* from pg_proc p, ours where p.pronamespace = ours.space
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')),
types as (
  select t.* from pg_type t, ours where t.typnamespace = ours.space and t.typtype in ('d', 'e', 'r')
    and not exists (select from pg_depend d where d.objid = t.oid and d.deptype = 'e'))
select 'relation', c.relname::text, concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relreplident, c.reloptions::text,
    case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid, true) end)
  from relations c where c.relkind <> 'S'
union all
select 'sequence', c.relname, concat_ws(' ', format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
    s.seqcache, s.seqcycle, (select format('owned by %s.%s', d.refobjid::regclass, a.attname) from pg_depend d
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')))
  from relations c join pg_sequence s on s.seqrelid = c.oid
union all
select 'column', c.relname || '.' || a.attname, concat_ws(' ',
    row_number() over (partition by c.oid order by a.attnum), format_type(a.atttypid, a.atttypmod),
    'collate ' || nullif(a.attcollation, 0)::regcollation, case when a.attnotnull then 'not null' end,
    'default ' || pg_get_expr(d.adbin, d.adrelid, true), a.attgenerated, a.attidentity)
  from relations c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum where c.relkind <> 'S'
union all
select 'constraint', c.relname || '.' || k.conname, pg_get_constraintdef(k.oid, true)
  from relations c join pg_constraint k on k.conrelid = c.oid where k.contype not in ('n', 't')
union all
select 'index', i.relname, concat_ws(' ', pg_get_indexdef(i.oid, 0, true), x.indisvalid, i.reloptions::text)
  from relations c join pg_index x on x.indrelid = c.oid join pg_class i on i.oid = x.indexrelid
union all
select 'trigger', c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid, true) || ' ' || t.tgenabled::text
  from relations c join pg_trigger t on t.tgrelid = c.oid where not t.tgisinternal
union all
select 'rule', c.relname || '.' || r.rulename, pg_get_ruledef(r.oid, true)
  from relations c join pg_rewrite r on r.ev_class = c.oid where r.rulename <> '_RETURN'
union all
select 'policy', c.relname || '.' || p.polname, concat_ws(' ', p.polcmd, pg_get_expr(p.polqual, p.polrelid))
  from relations c join pg_policy p on p.polrelid = c.oid
union all
select 'function', format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), concat_ws(' ', p.prokind,
    pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname, p.provolatile, p.proisstrict, p.proparallel,
    p.prosecdef, p.procost, p.prorows, p.proconfig::text, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc))
  from functions p join pg_language l on l.oid = p.prolang where p.prokind <> 'a'
union all
select 'type', t.typname, concat_ws(' ', t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
    (select string_agg(pg_get_constraintdef(k.oid, true), ' ' order by k.conname) from pg_constraint k
      where k.contypid = t.oid),
    (select string_agg(e.enumlabel, ' ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))
  from types t
union all
select 'privileges', c.relname, array_to_string(array(select a::text from unnest(c.relacl) a order by 1), ' ')
  from relations c where c.relacl is not null
union all
select 'privileges', c.relname || '.' || a.attname,
    array_to_string(array(select e::text from unnest(a.attacl) e order by 1), ' ')
  from relations c join pg_attribute a on a.attrelid = c.oid where a.attacl is not null
union all
select 'privileges', format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
    array_to_string(array(select a::text from unnest(p.proacl) a order by 1), ' ')
  from functions p where p.proacl is not null
union all
select 'comment', concat_ws('.', coalesce(c.relname, p.proname), nullif(d.objsubid, 0)::text), d.description
  from pg_description d
  left join relations c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
  left join functions p on p.oid = d.objoid and d.classoid = 'pg_proc'::regclass
  where c.oid is not null or p.oid is not null
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """An object that one catalogue has and the other has not, or has in another way."""

    kind: str
    name: str
    problem: str  # missing, different or unexpected

    def __str__(self) -> str:
        return f"{self.kind} {self.name} is {self.problem}"


def described(cursor: Any) -> Description:
    """Return the description of the current schema."""
    cursor.execute(OBJECTS)
    return {(kind, name): definition for kind, name, definition in cursor.fetchall()}


def described_script(cursor: Any, script: str) -> Description:
    """Return the description of what a schema script makes on this server. Leaves nothing behind.

    Raises psycopg2.errors.InsufficientPrivilege where the role may not create a schema.
    """
    cursor.execute("SAVEPOINT scratch; SHOW search_path")
    (path,) = cursor.fetchone()
    try:
        cursor.execute(f"CREATE SCHEMA {SCRATCH}; SET LOCAL search_path = {SCRATCH}, {path}")
        cursor.execute(statements(script))
        made = described(cursor)
    except psycopg2.Error:
        cursor.execute("ROLLBACK TO SAVEPOINT scratch")
        raise
    cursor.execute("ROLLBACK TO SAVEPOINT scratch")
    return made


def differences(
    found: Description, wanted: Description, *, strict: bool = True
) -> list[Difference]:
    """Return what `found` lacks or has in another way than `wanted`, in the order of names.

    Without `strict`, privileges and comments are not compared, and the tables, views, functions and
    indexes that an operator added are no difference; columns, checks and triggers of our tables are.
    """
    listed = []
    for kind, name in sorted({*found, *wanted}):
        if not strict and (kind in (PRIVILEGE, COMMENT) or _is_extra(kind, name, wanted)):
            continue
        one, other = found.get((kind, name)), wanted.get((kind, name))
        if one != other:
            problem = "missing" if one is None else "unexpected" if other is None else "different"
            listed.append(Difference(kind, name, problem))
    return listed


def _is_extra(kind: str, name: str, wanted: Description) -> bool:
    """Whether an object is an addition that does not change how our tables behave."""
    if (kind, name) in wanted:
        return False
    if kind in ("column", "constraint", "trigger", "rule", "policy"):
        return ("relation", name.partition(".")[0]) not in wanted
    return kind != "rule"
