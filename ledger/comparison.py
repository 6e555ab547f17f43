"""The SQL that compares leaves with the events they are of: fast where PostgreSQL can tell, else by its parts.

What a leaf says of an event is read from schema.sql, not from the database: whoever may alter events may
alter functions.
"""

import re

from ledger.leaf import VERSION_ENDS
from models.migration.schema_file import SCHEMA

SAME, _OTHER, GONE = 1, 0, 2
_DEFINITION = re.compile(
    r"create function ledger_record\(t transactions\) returns jsonb\n.*?\n  return (.*?);\n\n", re.S
)


def record_of_event() -> str:
    """Return the definition of ledger_record over a row `t` of transactions."""
    found = _DEFINITION.search(SCHEMA.read_text(encoding="utf-8"))
    assert found is not None, "schema.sql has no ledger_record"
    return found[1]


def _text(column: str) -> str:
    return f"coalesce(to_json({column})::text, 'null')"


def _number(column: str) -> str:
    return f"coalesce({column}::text, 'null')"


def _time(column: str) -> str:
    return f"""to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


# The version of a leaf's format is told by the leaf itself, which is signed.
END = f"""case when substr(e.leaf, greatest(length(e.leaf) - {len(VERSION_ENDS) - 1}, 1))
  = '\\x{VERSION_ENDS.hex()}'::bytea then '{VERSION_ENDS.decode()}' else '}}' end"""
# A leaf is what is ahead of its details, these, and what is behind. Of bytes: PostgreSQL counts the
# characters of a text one by one. A leaf that this does not find equal is judged by its canonical bytes.
_AHEAD = (
    f"""'{{"cacaoBatchId":' || {_number("t.cacao_batch_id")} || case when num_nulls(t.corrects,"""
    """ t.correction_reason) = 2 then ',"correctionReason":null,"corrects":null'"""
    f""" else ',"correctionReason":' || {_text("t.correction_reason")} || ',"corrects":' """
    f""" || {_number("t.corrects")} end || case when t.details is null then '' else ',"details":' end"""
)
BEHIND = (
    f"""',"event":' || {_text("t.event")} || ',"eventId":' || {_text("t.event_id")}"""
    f""" || ',"productId":' || {_number("t.product_id")} || ',"recordTime":"' || {_time("t.record_time")}"""
    f""" || '","recordedBy":' || {_text("t.recorded_by")} || ',"salt":"' || encode(e.salt, 'hex')"""
    f""" || '","sequence":' || e.sequence || ',"timestamp":"' || {_time('t."timestamp"')}"""
    f""" || '","transactionId":' || t.transaction_id || {END}"""
)
MIDDLE = "substr(e.leaf, length(x.ahead) + 1, length(e.leaf) - length(x.ahead) - length(x.behind))"
STATE = f"""case
  when t.transaction_id is null then {GONE}
  when substr(e.leaf, 1, length(x.ahead)) <> x.ahead
    or substr(e.leaf, greatest(length(e.leaf) - length(x.behind), 0) + 1) <> x.behind then {_OTHER}
  when case when t.details is null then length(e.leaf) = length(x.ahead) + length(x.behind)
    else length(e.leaf) > length(x.ahead) + length(x.behind)
      and convert_from({MIDDLE}, 'UTF8')::jsonb = t.details end then {SAME}
  else {_OTHER} end"""
SELECTED = (
    "select e.sequence, e.transaction_id, {state}::int2, e.leaf, e.hashes from ledger_entries e"
)
_RANGE = "where e.sequence >= {first} and e.sequence < {last} order by e.sequence"


def entries(first: int, last: int, *, compared: bool) -> str:
    """COPY of the leaves of a range with how each compares: sequence, event, state, leaf, hashes.

    `compared` is off where a leaf holds what PostgreSQL cannot read: then none is said to be the same.
    """
    joined = " left join transactions t using (transaction_id)"
    if compared:
        joined += (
            f" cross join lateral (select convert_to({_AHEAD}, 'UTF8') as ahead,"
            f" convert_to({BEHIND}, 'UTF8') as behind offset 0) x"
        )
    unknown = f"case when t.transaction_id is null then {GONE} else {_OTHER} end"
    selected = SELECTED.format(state=STATE if compared else unknown) + joined
    return f"copy ({selected} {_RANGE.format(first=first, last=last)}) to stdout (format binary)"


def sources_of_leaves() -> str:
    """Return what the leaves of the sequences in %s are made of, by this definition."""
    return (
        "select e.sequence, (r.record - 'details')::text, t.details::text, e.salt, e.leaf"
        " from ledger_entries e join transactions t using (transaction_id)"
        f" cross join lateral (select {record_of_event()} as record offset 0) r"
        " where e.sequence = any (%s) order by e.sequence"
    )
