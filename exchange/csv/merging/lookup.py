"""The resolution of references: the ids of the rows that staged rows name.

A row is rejected if the row that it names does not exist, or if several rows match.
"""

from exchange.csv.importers.declaration import NaturalKey, Reference
from exchange.csv.rejections import Code
from exchange.csv.staging.table import StagingTable


def resolve_reference(staging: StagingTable, reference: Reference) -> None:
    """Fill the column of a reference with ids; reject unresolved rows.

    The natural keys are tried in order.
    """
    provided = frozenset(staging.fields)
    if not reference.is_provided_by(provided):
        return
    if reference.column in provided:
        _reject_unknown_ids(staging, reference)
    for natural_key in reference.natural_keys:
        if provided.issuperset(natural_key.fields):
            _resolve_natural_key(staging, reference, natural_key)


def _reject_unknown_ids(staging: StagingTable, reference: Reference) -> None:
    staging.reject_where(
        Code.UNKNOWN,
        f"s.{reference.column} is not null and not exists (select from {reference.table} t"
        f" where t.{reference.key} = s.{reference.column})",
        f"'no {_spell(reference)} has the id ' || s.{reference.column}",
    )


def _resolve_natural_key(
    staging: StagingTable, reference: Reference, natural_key: NaturalKey
) -> None:
    unresolved = f"s.{reference.column} is null and s.{natural_key.fields[0]} is not null"
    found = (
        f"select s.line, min(t.{reference.key}) as id, count(*) as n"
        f" from import_rows s join {reference.table} t on {natural_key.match}"
        f" where s.code is null and {unresolved} group by s.line"
    )
    if not reference.creates:
        staging.reject_where(
            Code.AMBIGUOUS,
            f"s.line in (select f.line from ({found}) f where f.n > 1)",
            f"'several {_spell(reference)} rows have ' || {_describe(staging, natural_key)}",
        )
    staging.cursor.execute(
        f"update import_rows s set {reference.column} = f.id from ({found}) f where f.line = s.line"
    )
    if not reference.creates:
        staging.reject_where(
            Code.UNKNOWN,
            unresolved,
            f"'no {_spell(reference)} has ' || {_describe(staging, natural_key)}",
        )


def _spell(reference: Reference) -> str:
    return reference.noun.replace("_", " ")


def _describe(staging: StagingTable, natural_key: NaturalKey) -> str:
    names = (*natural_key.fields, *natural_key.optional)
    parts = ", ".join(
        f"'{name} ' || left(s.{name}::text, 100)" for name in names if name in staging.fields
    )
    return f"concat_ws(', ', {parts})"
