"""SQL that compares leaves with the events they were made from.

PostgreSQL compares most leaves as bytes: a leaf is a prefix, the details of its event, and a suffix. Leaves
that this does not find equal are compared by their canonical bytes, in Python.
"""

from ledger.leaf import VERSION_ENDS
from ledger.leaf_record import record_of_event

# How a leaf compares with its event: equal, perhaps different, or without an event.
SAME, _OTHER, GONE = 1, 0, 2


def _text(column: str) -> str:
    return f"coalesce(to_json({column})::text, 'null')"


def _number(column: str) -> str:
    return f"coalesce({column}::text, 'null')"


def _time(column: str) -> str:
    return f"""to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


# The end of a leaf tells the version of its format; it is part of what was signed.
_END = f"""case when substr(e.leaf, greatest(length(e.leaf) - {len(VERSION_ENDS) - 1}, 1))
  = '\\x{VERSION_ENDS.hex()}'::bytea then '{VERSION_ENDS.decode()}' else '}}' end"""
_PREFIX = (
    f"""'{{"cacaoBatchId":' || {_number("t.cacao_batch_id")} || case when num_nulls(t.corrects,"""
    """ t.correction_reason) = 2 then ',"correctionReason":null,"corrects":null'"""
    f""" else ',"correctionReason":' || {_text("t.correction_reason")} || ',"corrects":' """
    f""" || {_number("t.corrects")} end || case when t.details is null then '' else ',"details":' end"""
)
_SUFFIX = (
    f"""',"event":' || {_text("t.event")} || ',"eventId":' || {_text("t.event_id")}"""
    f""" || ',"productId":' || {_number("t.product_id")} || ',"recordTime":"' || {_time("t.record_time")}"""
    f""" || '","recordedBy":' || {_text("t.recorded_by")} || ',"salt":"' || encode(e.salt, 'hex')"""
    f""" || '","sequence":' || e.sequence || ',"timestamp":"' || {_time('t."timestamp"')}"""
    f""" || '","transactionId":' || t.transaction_id || {_END}"""
)
_DETAILS = (
    "substr(e.leaf, length(x.prefix) + 1, length(e.leaf) - length(x.prefix) - length(x.suffix))"
)
# Compared as bytes, since PostgreSQL counts the characters of a text one by one.
_STATE = f"""case
  when t.transaction_id is null then {GONE}
  when substr(e.leaf, 1, length(x.prefix)) <> x.prefix
    or substr(e.leaf, greatest(length(e.leaf) - length(x.suffix), 0) + 1) <> x.suffix then {_OTHER}
  when case when t.details is null then length(e.leaf) = length(x.prefix) + length(x.suffix)
    else length(e.leaf) > length(x.prefix) + length(x.suffix)
      and convert_from({_DETAILS}, 'UTF8')::jsonb = t.details end then {SAME}
  else {_OTHER} end"""
_SELECTED = (
    "select e.sequence, e.transaction_id, {state}::int2, e.leaf, e.hashes from ledger_entries e"
)
_RANGE = "where e.sequence >= {first} and e.sequence < {last} order by e.sequence"


def copy_leaves(first: int, last: int, *, compared: bool) -> str:
    """Return the COPY of a range of leaves: sequence, event, comparison, leaf, hashes.

    With `compared` off no leaf is SAME; this is for ranges with a leaf that PostgreSQL cannot read as JSON.
    """
    joined = " left join transactions t using (transaction_id)"
    if compared:
        joined += (
            f" cross join lateral (select convert_to({_PREFIX}, 'UTF8') as prefix,"
            f" convert_to({_SUFFIX}, 'UTF8') as suffix offset 0) x"
        )
    unknown = f"case when t.transaction_id is null then {GONE} else {_OTHER} end"
    selected = _SELECTED.format(state=_STATE if compared else unknown) + joined
    return f"copy ({selected} {_RANGE.format(first=first, last=last)}) to stdout (format binary)"


def select_records() -> str:
    """Return the SQL of the records behind the leaves of the sequences in %s."""
    return (
        "select e.sequence, (r.record - 'details')::text, t.details::text, e.salt, e.leaf"
        " from ledger_entries e join transactions t using (transaction_id)"
        f" cross join lateral (select {record_of_event()} as record offset 0) r"
        " where e.sequence = any (%s) order by e.sequence"
    )
