"""Which column of a file becomes which field: decided once, before any row is read.

Refuses unknown, doubled and missing columns in one message, then reads rows by the plan.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.csv.columns.decimal_separator import read_number
from exchange.csv.errors import BadOptions
from exchange.csv.importers.declaration import Field, Importer, Reference
from exchange.csv.reading.csv_file import SheetCell
from exchange.csv.refusals import Code, Refusal


@dataclass(frozen=True)
class Columns:
    """The plan for one file: `cells` are (position, field) pairs, `constants` hold for every row."""

    kind: Importer
    cells: tuple[tuple[int, Field], ...]
    constants: tuple[tuple[Field, str | None], ...]
    ignored: tuple[str, ...]
    # Position of a column of numbers -> its decimal separator.
    separators: Mapping[int, str]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields the file gives, in the order of `read`'s values."""
        given = [field for _, field in self.cells] + [field for field, _ in self.constants]
        return tuple(field.name for field in given)

    def read(self, row: Sequence[str]) -> tuple[str | None, ...]:
        """A row's values in the order of `fields`; raises one Refusal that names every fault."""
        values: dict[str, str | None] = {}
        faults: list[Refusal] = []
        for position, field in self.cells:
            try:
                values[field.name] = _read_cell(field, row[position], self.separators.get(position))
            except Refusal as fault:
                faults.append(fault)
        values.update((field.name, value) for field, value in self.constants)
        if not faults:
            faults = _check_choices(self.kind, values)
        if faults:
            raise Refusal(faults[0].code, "; ".join(fault.reason for fault in faults))
        return tuple(values.values())


def fold(name: str) -> str:
    """A header as it is compared: trimmed, without case, spaces and dashes as underscores."""
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def plan_columns(
    kind: Importer, header: Sequence[str], mapping: Mapping[str, str], constants: Mapping[str, str]
) -> Columns:
    """Match header, `--map` and `--set` with the kind's fields; raises BadOptions on any fault.

    A constant replaces the column of the same name; a mapped column goes before one that merely
    has the field's name.
    """
    faults = _find_doubles(header)
    fields = {fold(name): field for field in kind.fields for name in (field.name, *field.aliases)}
    mapped = _match_names(
        kind, {fold(key): value for key, value in mapping.items()}, fields, faults
    )
    fixed = _match_names(kind, {value: value for value in constants}, fields, faults)
    names = [fold(name) for name in header]
    faults += [f"--map {name}: the file has no such column" for name in mapped if name not in names]
    taken = {field.name for field in (*mapped.values(), *fixed.values())}
    cells: list[tuple[int, Field]] = []
    ignored: list[str] = []
    for position, name in enumerate(names):
        field = mapped.get(name) or fields.get(name)
        if field is None or (name not in mapped and field.name in taken):
            ignored.append(header[position].strip() or f"(column {position + 1})")
        else:
            cells.append((position, field))
    sources = Counter(field.name for _, field in cells)
    sources.update(field.name for field in fixed.values())
    faults += [f"{name} has {count} sources" for name, count in sources.items() if count > 1]
    values = _read_constants({fixed[key]: constants[key] for key in fixed}, faults)
    faults += _find_missing(kind, frozenset(sources))
    if faults:
        raise BadOptions("; ".join(faults))
    return Columns(kind, tuple(cells), values, tuple(ignored), {})


def _read_cell(field: Field, cell: str, separator: str | None = None) -> str | None:
    if isinstance(cell, SheetCell) and cell.problem:
        raise Refusal(cell.problem.code, f"{field.name}: {cell.problem.reason}")
    if not (text := cell.strip()):
        if field.required:
            raise Refusal(Code.MISSING, f"{field.name} is empty")
        return None
    try:
        if separator and not isinstance(cell, SheetCell):
            text = read_number(text, separator)
        return field.type.parse(text)
    except Refusal as fault:
        raise Refusal(fault.code, f"{field.name}: {fault.reason}") from None


def _check_choices(kind: Importer, values: Mapping[str, str | None]) -> list[Refusal]:
    given = frozenset(name for name, value in values.items() if value is not None)
    faults = [fault for each in kind.references if (fault := _check_whole(each, given))]
    for choice in kind.choices:
        references = [kind.reference(noun) for noun in choice]
        chosen = [each for each in references if each.is_provided_by(given)]
        if len(chosen) > 1:
            nouns = " and ".join(each.noun for each in chosen)
            faults.append(Refusal(Code.CONFLICT, f"{nouns} are both named: only one can be"))
        elif not chosen and not faults:
            faults.append(Refusal(Code.MISSING, f"{' or '.join(map(str, references))} is empty"))
    return faults


def _check_whole(reference: Reference, given: frozenset[str]) -> Refusal | None:
    if reference.is_provided_by(given):
        return None
    for natural_key in reference.natural_keys:
        if given.intersection(natural_key.fields):
            absent = ", ".join(name for name in natural_key.fields if name not in given)
            return Refusal(Code.INCOMPLETE, f"{absent} is empty: {natural_key} go together")
    return None


def _find_doubles(header: Sequence[str]) -> list[str]:
    counts = Counter(fold(name) for name in header if name.strip())
    return [f"the column {name} stands {n} times" for name, n in counts.items() if n > 1]


def _match_names(
    kind: Importer, names: Mapping[str, str], fields: Mapping[str, Field], faults: list[str]
) -> dict[str, Field]:
    known = {key: fields[fold(name)] for key, name in names.items() if fold(name) in fields}
    unknown = [name for key, name in names.items() if key not in known]
    if unknown:
        choices = ", ".join(field.name for field in kind.fields)
        faults.append(f"{kind.name} have no field {', '.join(unknown)}: they have {choices}")
    return known


def _read_constants(
    constants: Mapping[Field, str], faults: list[str]
) -> tuple[tuple[Field, str | None], ...]:
    values: list[tuple[Field, str | None]] = []
    for field, text in constants.items():
        try:
            values.append((field, _read_cell(field, text)))
        except Refusal as fault:
            faults.append(f"--set {fault.reason}")
    return tuple(values)


def _find_missing(kind: Importer, given: frozenset[str]) -> list[str]:
    needed = [f.name for f in kind.fields if f.required and f.name not in given]
    for choice in kind.choices:
        references = [kind.reference(noun) for noun in choice]
        if not any(each.is_provided_by(given) for each in references):
            needed.append(" or ".join(map(str, references)))
    return [f"{kind.name} need {name}: no column and no constant gives it" for name in needed]
