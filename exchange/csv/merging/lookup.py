"""From what a staged row calls another row (an id, a GTIN, a lot number) to that row's id, set-based.

A row that names what is not there, or what is there more than once, is refused.
"""

from exchange.csv.importers.declaration import NaturalKey, Reference
from exchange.csv.refusals import Code
from exchange.csv.staging.table import StagingTable


def resolve_reference(staging: StagingTable, reference: Reference) -> None:
    """Fill the reference's column with ids, its natural_keys in order, and refuse what none finds."""
    given = frozenset(staging.fields)
    if not reference.is_provided_by(given):
        return
    if reference.column in given:
        _refuse_unknown_ids(staging, reference)
    for natural_key in reference.natural_keys:
        if given.issuperset(natural_key.fields):
            _resolve_way(staging, reference, natural_key)


def _refuse_unknown_ids(staging: StagingTable, reference: Reference) -> None:
    staging.refuse_where(
        Code.UNKNOWN,
        f"s.{reference.column} is not null and not exists (select from {reference.table} t"
        f" where t.{reference.key} = s.{reference.column})",
        f"'no {_spell(reference)} has the id ' || s.{reference.column}",
    )


def _resolve_way(staging: StagingTable, reference: Reference, natural_key: NaturalKey) -> None:
    open_ = f"s.{reference.column} is null and s.{natural_key.fields[0]} is not null"
    found = (
        f"select s.line, min(t.{reference.key}) as id, count(*) as n"
        f" from import_rows s join {reference.table} t on {natural_key.match}"
        f" where s.code is null and {open_} group by s.line"
    )
    if not reference.creates:
        staging.refuse_where(
            Code.AMBIGUOUS,
            f"s.line in (select f.line from ({found}) f where f.n > 1)",
            f"'several {_spell(reference)} rows have ' || {_describe(staging, natural_key)}",
        )
    staging.cursor.execute(
        f"update import_rows s set {reference.column} = f.id from ({found}) f where f.line = s.line"
    )
    if not reference.creates:
        staging.refuse_where(
            Code.UNKNOWN,
            open_,
            f"'no {_spell(reference)} has ' || {_describe(staging, natural_key)}",
        )


def _spell(reference: Reference) -> str:
    return reference.noun.replace("_", " ")


def _describe(staging: StagingTable, natural_key: NaturalKey) -> str:
    names = [name for name in (*natural_key.fields, *natural_key.also) if name in staging.fields]
    parts = ", ".join(f"'{name} ' || left(s.{name}::text, 100)" for name in names)
    return f"concat_ws(', ', {parts})"
