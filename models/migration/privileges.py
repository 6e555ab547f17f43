"""Keep the privileges of tables and views that a migration makes again."""

from typing import Any

GRANTS = """
select c.relname, a.grantee, case when a.grantee = 0 then 'public' else quote_ident(r.rolname) end, a.privilege_type,
  a.is_grantable
from pg_class c cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S') and a.grantee <> c.relowner
order by 1, 3, 4"""

Grant = tuple[str, int, str, str, bool]


def grants(cursor: Any) -> set[Grant]:
    """Return the privileges of relations of the current schema that others than their owners have."""
    cursor.execute(GRANTS)
    return set(cursor.fetchall())


def restore_grants(cursor: Any, before: set[Grant]) -> None:
    """Grant what a relation of the same name has lost."""
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    )
    present = {name for (name,) in cursor.fetchall()}
    for name, _, grantee, privilege, grantable in sorted(before - grants(cursor)):
        if name in present:
            option = " WITH GRANT OPTION" if grantable else ""
            cursor.execute(f'GRANT {privilege} ON "{name}" TO {grantee}{option}')
