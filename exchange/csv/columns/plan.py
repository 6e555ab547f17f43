"""The assignment of a file's columns to fields, and the reading of rows by it.

It is made once, before any row is read; one message names all unknown, repeated and missing columns.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.csv.columns.decimal_separator import read_number
from exchange.csv.errors import BadOptions
from exchange.csv.importers.declaration import Field, Importer, Reference
from exchange.csv.reading.source import SheetCell
from exchange.csv.rejections import Code, RowError


@dataclass(frozen=True)
class Columns:
    """The assignment for one file.

    `cells` are pairs of a position and its field. `constants` are values for every row. `ignored` are headers
    without a field. `separators` maps the position of a column of numbers to its decimal separator.
    """

    importer: Importer
    cells: tuple[tuple[int, Field], ...]
    constants: tuple[tuple[Field, str | None], ...]
    ignored: tuple[str, ...]
    separators: Mapping[int, str]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that the file provides, in the order of `read`'s values."""
        provided = [field for _, field in self.cells] + [field for field, _ in self.constants]
        return tuple(field.name for field in provided)

    def read(self, row: Sequence[str]) -> tuple[str | None, ...]:
        """Return the values of a row in the order of `fields`.

        Raises one RowError for all faults.
        """
        values: dict[str, str | None] = {}
        faults: list[RowError] = []
        for position, field in self.cells:
            try:
                values[field.name] = _read_cell(field, row[position], self.separators.get(position))
            except RowError as fault:
                faults.append(fault)
        values.update((field.name, value) for field, value in self.constants)
        if not faults:
            faults = _check_choices(self.importer, values)
        if faults:
            raise RowError(faults[0].code, "; ".join(fault.reason for fault in faults))
        return tuple(values.values())


def normalize_header(name: str) -> str:
    """Normalize a header for comparison.

    It is trimmed and case-folded; spaces and dashes become underscores.
    """
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def plan_columns(
    importer: Importer,
    header: Sequence[str],
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
) -> Columns:
    """Assign columns, `--map` and `--set` to fields; raises BadOptions.

    A constant takes precedence over the column of its name, and a mapped column over one that is only named
    like the field.
    """
    faults = _find_repeated(header)
    fields = {
        normalize_header(name): field
        for field in importer.fields
        for name in (field.name, *field.aliases)
    }
    mapped = _match_names(
        importer, {normalize_header(key): value for key, value in mapping.items()}, fields, faults
    )
    fixed = _match_names(importer, {value: value for value in constants}, fields, faults)
    names = [normalize_header(name) for name in header]
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
    faults += _find_missing(importer, frozenset(sources))
    if faults:
        raise BadOptions("; ".join(faults))
    return Columns(importer, tuple(cells), values, tuple(ignored), {})


def _read_cell(field: Field, cell: str, separator: str | None = None) -> str | None:
    if isinstance(cell, SheetCell) and cell.problem:
        raise RowError(cell.problem.code, f"{field.name}: {cell.problem.reason}")
    if not (text := cell.strip()):
        if field.required:
            raise RowError(Code.MISSING, f"{field.name} is empty")
        return None
    try:
        if separator and not isinstance(cell, SheetCell):
            text = read_number(text, separator)
        return field.type.parse(text)
    except RowError as fault:
        raise RowError(fault.code, f"{field.name}: {fault.reason}") from None


def _check_choices(importer: Importer, values: Mapping[str, str | None]) -> list[RowError]:
    provided = frozenset(name for name, value in values.items() if value is not None)
    faults = [fault for each in importer.references if (fault := _check_whole(each, provided))]
    for choice in importer.choices:
        references = [importer.reference(noun) for noun in choice]
        chosen = [each for each in references if each.is_provided_by(provided)]
        if len(chosen) > 1:
            nouns = " and ".join(each.noun for each in chosen)
            faults.append(RowError(Code.CONFLICT, f"{nouns} are both given: give only one"))
        elif not chosen and not faults:
            faults.append(RowError(Code.MISSING, f"{' or '.join(map(str, references))} is empty"))
    return faults


def _check_whole(reference: Reference, provided: frozenset[str]) -> RowError | None:
    if reference.is_provided_by(provided):
        return None
    for natural_key in reference.natural_keys:
        if provided.intersection(natural_key.fields):
            absent = ", ".join(name for name in natural_key.fields if name not in provided)
            return RowError(
                Code.INCOMPLETE, f"{absent} is empty: {natural_key} must be given together"
            )
    return None


def _find_repeated(header: Sequence[str]) -> list[str]:
    counts = Counter(normalize_header(name) for name in header if name.strip())
    return [f"the column {name} occurs {n} times" for name, n in counts.items() if n > 1]


def _match_names(
    importer: Importer, names: Mapping[str, str], fields: Mapping[str, Field], faults: list[str]
) -> dict[str, Field]:
    known = {
        key: fields[normalize_header(name)]
        for key, name in names.items()
        if normalize_header(name) in fields
    }
    unknown = [name for key, name in names.items() if key not in known]
    if unknown:
        choices = ", ".join(field.name for field in importer.fields)
        faults.append(
            f"{importer.name} have no field {', '.join(unknown)}; their fields are {choices}"
        )
    return known


def _read_constants(
    constants: Mapping[Field, str], faults: list[str]
) -> tuple[tuple[Field, str | None], ...]:
    values: list[tuple[Field, str | None]] = []
    for field, text in constants.items():
        try:
            values.append((field, _read_cell(field, text)))
        except RowError as fault:
            faults.append(f"--set {fault.reason}")
    return tuple(values)


def _find_missing(importer: Importer, provided: frozenset[str]) -> list[str]:
    needed = [f.name for f in importer.fields if f.required and f.name not in provided]
    for choice in importer.choices:
        references = [importer.reference(noun) for noun in choice]
        if not any(each.is_provided_by(provided) for each in references):
            needed.append(" or ".join(map(str, references)))
    return [
        f"{importer.name} need {name}: no column and no constant provides it" for name in needed
    ]
