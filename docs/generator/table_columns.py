"""The page of tables: columns, keys and references of each, from the mapper."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from docs.generator.markdown import code, paragraph, table
from models import Base

_INTRODUCTION = """# Tables

The tables of `schema.sql`, as the models in `models/` map them. `schema.sql` also holds the checks, functions and
triggers that enforce the rules of the database. A test compares the models with the catalogue of a database.

The seven tables of the first design keep their names and columns: `manufacturers`, `products`, `suppliers`,
`cacao_batches`, `product_cacao_batch`, `transactions` and `users`. See
[The first design](../explanation/first-design.md).
"""
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def render_tables() -> str:
    """Return the page as Markdown."""
    titles = {
        mapper.local_table.name: (mapper.class_.__doc__ or "").partition("\n\n")[0]
        for mapper in Base.registry.mappers
        if isinstance(mapper.local_table, Table)
    }
    sections = (
        _section(found, titles.get(found.name, ""))
        for found in sorted(Base.metadata.tables.values(), key=lambda found: found.name)
    )
    return "\n".join((_INTRODUCTION, *sections))


def _section(found: Table, title: str) -> str:
    rows = [
        (
            code(column.name),
            _type(column),
            "" if column.nullable else "not null",
            _reference(column),
        )
        for column in found.columns
    ]
    lines = [f"\n## {found.name}\n", f"{paragraph(title)}\n"] if title else [f"\n## {found.name}\n"]
    lines.append(table(("column", "type", "", "references"), rows))
    return "\n".join((*lines, _keys(found)))


def _type(column: Column[object]) -> str:
    return column.type.compile(_DIALECT).lower().partition(" collate")[0]


def _reference(column: Column[object]) -> str:
    found = sorted(key.target_fullname for key in column.foreign_keys)
    return ", ".join(f"[`{name}`](#{name.partition('.')[0]})" for name in found)


def _keys(found: Table) -> str:
    primary = ", ".join(code(column.name) for column in found.primary_key.columns)
    lines = [f"\nPrimary key: {primary}."] if primary else [""]
    unique = [_columns(each) for each in found.constraints if isinstance(each, UniqueConstraint)]
    unique += [_columns(each) for each in found.indexes if each.unique and _plain(each)]
    if unique:
        lines.append(f"Unique: {'; '.join(sorted(unique))}.")
    return "\n".join(lines)


def _plain(index: Index) -> bool:
    return all(isinstance(each, Column) for each in index.expressions)


def _columns(constraint: UniqueConstraint | ForeignKeyConstraint | Index) -> str:
    return ", ".join(code(column.name) for column in constraint.columns)
