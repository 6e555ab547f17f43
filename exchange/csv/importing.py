"""Import of a file: read, stage, merge and report, in one transaction.

Memory is bounded by a chunk of rows. Imports run one at a time; a second one waits for the first.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from psycopg2.extensions import connection as connection_type

from exchange.csv.columns.clearing import plan_cleared
from exchange.csv.columns.decimal_separator import decimal_separators, is_number
from exchange.csv.columns.plan import Columns, plan_columns
from exchange.csv.errors import BadOptions
from exchange.csv.importers.declaration import Importer
from exchange.csv.importers.registry import IMPORTERS
from exchange.csv.merging.dry_run import hide_sequences
from exchange.csv.merging.keyed_merge import KeyedMerge
from exchange.csv.merging.lookup import resolve_reference
from exchange.csv.merging.merge import Merge, MergeCounts, run_merge
from exchange.csv.merging.table_statistics import refresh_statistics
from exchange.csv.merging.use_merge import EDGES, UseMerge
from exchange.csv.reading.open_source import SourceOptions, open_source
from exchange.csv.reading.source import CsvRecord, Source
from exchange.csv.rejections import RowError
from exchange.csv.report.import_report import MAX_SHOWN_LINES, ImportReport
from exchange.csv.report.reject_file import RejectFile, skip_warnings
from exchange.csv.staging import outcome
from exchange.csv.staging.superseding import list_superseded, warn_superseded
from exchange.csv.staging.table import OnStep, StagedRow, StagingTable
from models.database.engines import Database

_Progress = Callable[[int, int], None]

CHUNK_ROWS = 20_000
CHUNK_CHARACTERS = 8 * 1024 * 1024
IMPORT_LOCK = 0x0CAC_A07A
# Statements over all rows take long, and compiling their plans would only delay them.
_SETTINGS = (
    "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;"
    " set local work_mem = '64MB'; set local jit = off"
)


def import_csv(
    database: Database,
    importer: str,
    path: Path,
    *,
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
    dry_run: bool = False,
    reject: Path | None = None,
    all_or_nothing: bool = False,
    progress: _Progress | None = None,
    on_step: OnStep | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    decimal: str = "auto",
    clear: Collection[str] = (),
    allow_identity_change: bool = False,
) -> ImportReport:
    """Import a file by one of IMPORTERS; raises Unusable before anything is written.

    `mapping` maps columns to fields, `constants` fields to values. `progress` gets the bytes read and in
    all; `on_step` the step of the merge, the rows done and in all. An empty cell of a field in `clear`
    erases the stored value.
    """
    if importer not in IMPORTERS:
        raise BadOptions(f"unknown kind {importer}: {', '.join(IMPORTERS)}")
    with ExitStack() as stack:
        options = SourceOptions(delimiter, encoding, sheet, decimal)
        source = stack.enter_context(open_source(path, options))
        columns = plan_columns(IMPORTERS[importer], source.header, mapping, constants)
        cleared = plan_cleared(columns, clear)
        columns = _choose_separators(columns, path, options)
        rejects = _open_rejects(reject, path, stack)
        connection = stack.enter_context(_locked(database, f"import:{path.name}"))
        staging = StagingTable(connection, columns.importer, columns.fields, cleared, on_step)
        if dry_run:
            hide_sequences(staging.cursor)
        read = _stage(staging, source, columns, progress)
        merge = _choose_merge(staging, columns, allow_identity_change, dry_run)
        written = _merge(staging, columns, merge)
        report = _report(staging, source, columns, merge, written, read, dry_run, all_or_nothing)
        if rejects:
            with open_source(path, options) as again:
                rejects.write(again, columns, outcome.rows_to_report(staging))
        if report.written:
            connection.commit()
        if rejects:
            rejects.keep()
        return report


def _open_rejects(reject: Path | None, path: Path, stack: ExitStack) -> RejectFile | None:
    """Return the reject file, if one is wanted.

    It is discarded with the stack unless it is kept.
    """
    if reject is None:
        return None
    rejects = RejectFile(reject, path)
    stack.callback(rejects.discard)
    return rejects


@contextmanager
def _locked(database: Database, actor: str) -> Iterator[connection_type]:
    """Provide a connection in a transaction that excludes other imports.

    The transaction is rolled back unless it is committed.
    """
    pooled = database.engine().raw_connection()
    try:
        connection = cast("connection_type", pooled.driver_connection)
        with connection.cursor() as cursor:
            cursor.execute(_SETTINGS)
            cursor.execute("select pg_advisory_xact_lock(%s)", (IMPORT_LOCK,))
            # The name of a file may contain bytes that are not text.
            named = actor.encode("utf-8", "replace").decode()
            cursor.execute("select set_config('cacaotrace.actor', %s, true)", (named,))
        yield connection
    finally:
        pooled.close()


def _choose_separators(columns: Columns, path: Path, options: SourceOptions) -> Columns:
    """Choose the decimal separators; reads the whole file if it has numbers."""
    if not any(is_number(field) for _, field in columns.cells):
        return columns
    with open_source(path, options) as source:
        separators = decimal_separators(
            columns.cells, source.records(), source.delimiter, options.decimal
        )
    return replace(columns, separators=separators)


def _stage(
    staging: StagingTable, source: Source, columns: Columns, progress: _Progress | None
) -> int:
    read = 0
    records = skip_warnings(source.header, source.records())
    rows = (_read_row(columns, record) for record in records)
    for chunk in _split_into_chunks(rows):
        staging.copy(chunk)
        read += len(chunk)
        if progress:
            progress(source.position(), source.size)
    staging.analyze()
    return read


def _read_row(columns: Columns, record: CsvRecord) -> StagedRow:
    try:
        if record.problem:
            raise record.problem
        return StagedRow(record.line, columns.read(record.cells))
    except RowError as error:
        nothing = (None,) * len(columns.fields)
        return StagedRow(record.line, nothing, error.code, error.reason)


def _split_into_chunks(rows: Iterator[StagedRow]) -> Iterator[list[StagedRow]]:
    chunk: list[StagedRow] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += sum(len(value) for value in row.values if value)
        if len(chunk) >= CHUNK_ROWS or size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _choose_merge(
    staging: StagingTable, columns: Columns, allow_identity_change: bool, dry_run: bool
) -> Merge:
    target = columns.importer.target
    if target is None:
        return UseMerge(staging)
    fields = frozenset(columns.fields)
    references = (each for each in columns.importer.references if each.is_provided_by(fields))
    provided = fields.union(each.column for each in references)
    return KeyedMerge(
        staging, target, provided, allow_identity_change=allow_identity_change, dry_run=dry_run
    )


def _merge(staging: StagingTable, columns: Columns, merge: Merge) -> MergeCounts:
    refresh_statistics(staging.cursor, _tables(columns.importer))
    for reference in columns.importer.references:
        staging.report_step(f"looking up {reference.noun.replace('_', ' ')}")
        resolve_reference(staging, reference)
    return run_merge(staging, merge, columns.importer.checks)


def _tables(importer: Importer) -> list[str]:
    """Return the tables that an importer reads or writes."""
    own = [importer.target.table] if importer.target else [edge.table for edge in EDGES]
    return [*own, *(reference.table for reference in importer.references)]


def _report(
    staging: StagingTable,
    source: Source,
    columns: Columns,
    merge: Merge,
    written: MergeCounts,
    read: int,
    dry_run: bool,
    all_or_nothing: bool,
) -> ImportReport:
    by_code = outcome.count_rejections(staging)
    rejected = sum(by_code.values())
    superseded, pairs = list_superseded(staging, merge.differs(), MAX_SHOWN_LINES)
    warn_superseded(staging, merge.differs(), merge.difference())
    lost, lost_lines = outcome.rows_with_lost_characters(staging, MAX_SHOWN_LINES)
    nothing = all_or_nothing and rejected > 0
    if nothing:
        written = MergeCounts()
    return ImportReport(
        importer=columns.importer.name,
        path=source.path.name,
        read=read,
        inserted=written.inserted,
        updated=written.updated,
        unchanged=read - written.inserted - written.updated - superseded - rejected,
        superseded=superseded,
        rejected=rejected,
        created={"manufacturers": written.manufacturers_created},
        changed={"manufacturers": written.manufacturers_updated},
        ignored=columns.ignored,
        rejected_by_code=by_code,
        first_superseded=pairs,
        first_rejections=tuple(outcome.rejected_rows(staging, MAX_SHOWN_LINES)),
        written=not (dry_run or nothing),
        dry_run=dry_run,
        warnings=outcome.count_warnings(staging),
        first_warnings=tuple(outcome.warned_rows(staging, MAX_SHOWN_LINES)),
        lost_characters=lost,
        first_lost_characters=lost_lines,
    )
