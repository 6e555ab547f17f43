"""Exact values: numbers are never rounded, times are finite, names have one form."""

from collections.abc import Iterator

from alembic import op

from models.migration.checks import Check
from models.migration.script import run_script

revision = "0002"
down_revision = "0001"

KEYS = {
    "manufacturers": ["manufacturer_id"],
    "suppliers": ["supplier_id"],
    "certificates": ["certificate_id"],
    "plots": ["plot_id"],
    "cacao_batches": ["cacao_batch_id"],
    "products": ["product_id"],
    "product_cacao_batch": ["product_id", "cacao_batch_id"],
    "cacao_batch_input": ["output_batch_id", "input_batch_id"],
    "cacao_batch_plot": ["cacao_batch_id", "plot_id"],
    "due_diligence_statements": ["statement_id"],
    "transactions": ["transaction_id"],
    "losses": ["loss_id"],
    "holds": ["hold_id"],
    "conversion_factors": ["conversion_factor_id"],
    "flags": ["flag_id"],
    "mass_balance_accounts": ["account_id"],
    "mass_balance_entries": ["entry_id"],
    "ledger_checkpoints": ["size"],
    "users": ["user_id"],
    "api_keys": ["api_key_id"],
    "sessions": ["user_id", "created_at"],
    "sign_in_attempts": ["attempt_id"],
    "idempotency_keys": ["key"],
    "changes": ["change_id"],
}

# ---------------------------------------------------------------- normal forms

# Texts of a table, and whether the normal form must not be blank, and whether the column takes null.
TEXTS = (
    *(("manufacturers", "name", True, False), ("manufacturers", "location", False, False)),
    *(("suppliers", "name", True, False), ("suppliers", "location", False, False)),
    ("suppliers", "external_id", True, True),
    ("plots", "name", True, False),
    *(("certificates", "scheme", True, False), ("certificates", "number", True, False)),
    ("certificates", "holder", True, True),
    *(("cacao_batches", "certification", False, True), ("cacao_batches", "lot_number", True, True)),
    *(("products", "name", True, False), ("products", "batch_number", True, True)),
    ("due_diligence_statements", "reference_number", True, False),
    *(("transactions", "event", True, False), ("transactions", "event_id", True, True)),
    ("conversion_factors", "scheme", True, False),
    ("mass_balance_accounts", "scheme", True, False),
)
# What identifies a row: texts that must still differ in their normal form, and columns as they are.
IDENTITIES: dict[str, list[tuple[list[str], list[str]]]] = {
    "suppliers": [(["external_id"], [])],
    "plots": [(["name"], ["supplier_id"])],
    "certificates": [(["scheme", "number"], [])],
    "cacao_batches": [(["lot_number"], ["supplier_id"])],
    "products": [(["batch_number"], ["gtin"])],
    "due_diligence_statements": [(["reference_number"], [])],
    "transactions": [(["event_id"], [])],
    "conversion_factors": [(["scheme"], ["from_stage", "to_stage", "valid_from"])],
    "mass_balance_accounts": [
        (["scheme"], ["supplier_id", "period_from"]),
        (["scheme"], ["manufacturer_id", "period_from"]),
    ],
}
WHOLE = (
    *(("suppliers", "external_id"), ("certificates", "number"), ("cacao_batches", "lot_number")),
    *(("products", "batch_number"), ("due_diligence_statements", "reference_number")),
    ("transactions", "event_id"),
)
SEALED = "exists (select from ledger_entries e where e.transaction_id = t.transaction_id)"
KEPT = "its leaf in the ledger holds it, and no rule refuses it"
LEAF = "a change would break its leaf in the ledger"
UNSEALED = ("append_only",)
# Of an account with entries, another spelling is the same scheme and the nearest day the same period.
BOOKED = {"mass_balance_accounts": ("booked_kept",), "transactions": UNSEALED}


def normal(text: str) -> str:
    """Return the expression of normal_text(), which this migration makes; printable ASCII takes a short way."""
    return rf"""case when {text} ~ '^[!-~]+( [!-~]+)*$' then {text} else normalize(btrim(regexp_replace(regexp_replace({text},
      '[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]'
      '|(?<![\u0600-\u0dff\u1000-\u109f\u1780-\u17ff])[\u200c\u200d]', '', 'g'),
    '[\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u3164\uffa0]+', ' ', 'g'), ' '), NFC) end"""


def _twins(table: str, column: str) -> list[str]:
    """Conditions under which row `o` has an identity of row `t` in normal form."""
    key, found = KEYS[table][0], []
    for texts, others in IDENTITIES.get(table, []):
        if column in texts:
            equal = [f"{normal(f'o.{text}')} = {normal(f't.{text}')}" for text in texts]
            same = [*equal, *(f"o.{name} = t.{name}" for name in others)]
            found.append(f"o.{key} <> t.{key} and {' and '.join(same)}")
    return found


def _normal_forms(table: str, column: str, visible: bool, nullable: bool) -> Iterator[Check]:
    form, twins, key = normal(f"t.{column}"), _twins(table, column), KEYS[table]
    odd, rule = f"t.{column} <> {form}", "normal form"
    free = "".join(f" and not exists (select from {table} o where {twin})" for twin in twins)
    if table == "transactions":
        yield Check(table, key, rule, column, f"{odd} and {SEALED}", advice=KEPT, blocks=False)
        free += f" and not {SEALED}"
    disables = BOOKED.get(table, ())
    if visible:
        blank = f"{form} = ''" + (f" and not {SEALED}" if table == "transactions" else "")
        why = "it has no visible character: UPDATE the row"
        if nullable:
            yield Check(table, key, rule, column, blank, "null", disables=disables)
        else:
            yield Check(table, key, rule, column, blank, advice=why)
        odd += f" and {form} <> ''"
    yield Check(table, key, rule, column, f"{odd}{free}", form, disables=disables)
    if twins:
        taken = " or ".join(f"exists (select from {table} o where {twin})" for twin in twins)
        if table == "transactions":
            taken = f"({taken}) and not {SEALED}"
        other = f"(select min(o.{key[0]}) from {table} o where ({') or ('.join(twins)}))"
        advice = f"'its normal form is that of row ' || {other} || ': UPDATE or merge one of them'"
        yield Check(table, key, rule, column, f"{odd} and ({taken})", advice=advice, dynamic=True)


def _lost_characters() -> Iterator[Check]:
    for table, column in WHOLE:
        rule = f"{table}_{column}_whole"
        lost = f"strpos(t.{column}, U&'\\FFFD') > 0"
        advice = "a character was lost (U+FFFD): UPDATE it to the identifier of its source"
        if table == "transactions":
            yield Check(table, KEYS[table], rule, column, f"{lost} and {SEALED}", advice=LEAF)
            lost += f" and not {SEALED}"
        yield Check(table, KEYS[table], rule, column, lost, advice=advice)
    yield Check(
        "transactions",
        KEYS["transactions"],
        "transactions_event_id_check",
        "event_id",
        f"btrim(t.event_id) = '' and {SEALED}",
        advice=LEAF,
    )


# ---------------------------------------------------------------- numbers

# Digits before and after the point, and whether the column takes null.
NUMBERS = (
    ("plots", "area_ha", 8, 4, False),
    ("cacao_batches", "quantity", 11, 3, False),
    ("products", "cocoa_percent", 3, 1, True),
    ("product_cacao_batch", "quantity_kg", 11, 3, True),
    ("cacao_batch_input", "quantity_kg", 11, 3, False),
    ("cacao_batch_plot", "quantity_kg", 11, 3, True),
    ("losses", "quantity_kg", 11, 3, False),
    ("conversion_factors", "factor", 3, 5, False),
    ("mass_balance_accounts", "balance_kg", 11, 3, False),
    ("mass_balance_entries", "quantity_kg", 11, 3, False),
)


def _numbers() -> Iterator[Check]:
    for table, column, digits, decimals, nullable in NUMBERS:
        value = f"t.{column}"
        exact = f"(abs({value}) < 10::numeric ^ {digits} and {value} = round({value}, {decimals}))"
        rule = f"{table}_{column}_exact"
        if nullable:
            # Null says that the number is not known, which NaN says too.
            yield Check(table, KEYS[table], rule, column, f"{value} = 'NaN'", "null")
            exact += f" and {value} <> 'NaN'"
            where = f"not ({exact}) and {value} <> 'NaN'"
        else:
            where = f"not {exact}"
        advice = "the number is not known to the program: UPDATE the row"
        yield Check(table, KEYS[table], rule, column, where, advice=advice)


# ---------------------------------------------------------------- dates and times

FIRST_DAY, LAST_DAY = "date '0001-01-01'", "date '9999-12-31'"
FIRST, END = "timestamptz '0001-01-01 00:00:00+00'", "timestamptz '10000-01-01 00:00:00+00'"
LAST = "timestamptz '9999-12-31 23:59:59.999999+00'"
# Bounds of a period move to the first or last day; null, where the column takes it, is a period without an end.
BOUNDS = (
    *(("certificates", "valid_from"), ("certificates", "valid_to")),
    ("conversion_factors", "valid_from"),
    *(("mass_balance_accounts", "period_from"), ("mass_balance_accounts", "period_to")),
)
FACTS = (
    *(("cacao_batches", "harvest_date"), ("cacao_batches", "production_date")),
    *(("products", "production_date"), ("due_diligence_statements", "submitted_on")),
)
TIMES = (
    *(("product_cacao_batch", "record_time"), ("cacao_batch_input", "record_time")),
    *(("losses", '"timestamp"'), ("losses", "record_time"), ("flags", "record_time")),
    *(("holds", "placed_at"), ("holds", "released_at"), ("changes", "at")),
    *(("mass_balance_entries", '"timestamp"'), ("mass_balance_entries", "record_time")),
    *(("ledger_checkpoints", "issued_at"), ("users", "created_at"), ("users", "removed_at")),
    *(("api_keys", "created_at"), ("api_keys", "revoked_at")),
)
# Rows that end by themselves are removed.
PASSING = {
    "sessions": ("created_at", "seen_at", "expires_at", "revoked_at"),
    "sign_in_attempts": ("at",),
    "idempotency_keys": ("created_at",),
}


def _dates() -> Iterator[Check]:
    advice = "the date is not known to the program: UPDATE the row"
    for table, column in FACTS:
        yield _dated(table, column, _no_day(column), advice=advice)
    for table, column in BOUNDS:
        nearest = f"least(greatest(t.{column}, {FIRST_DAY}), {LAST_DAY})"
        disables = BOOKED.get(table, ())
        yield _dated(table, column, _no_day(column), nearest, disables=disables)
    yield _dated(
        "conversion_factors",
        "valid_to",
        _no_day("valid_to"),
        f"case when t.valid_to < {FIRST_DAY} then {FIRST_DAY} end",
    )


def _times() -> Iterator[Check]:
    advice = "the time is not known to the program: UPDATE the row (append-only tables: without their trigger)"
    for table, column in TIMES:
        yield _dated(table, column, _no_time(column), advice=advice)
    for column in ('"timestamp"', "record_time"):
        wrong = _no_time(column)
        yield _dated("transactions", column, f"{wrong} and {SEALED}", advice=LEAF)
        yield _dated("transactions", column, f"{wrong} and not {SEALED}", advice=advice)
    nearest = f"least(greatest(t.expires_at, {FIRST}), {LAST})"
    yield _dated("api_keys", "expires_at", _no_time("expires_at"), nearest)
    yield _dated("api_keys", "last_used_at", _no_time("last_used_at"), "null::timestamptz")
    for table, columns in PASSING.items():
        for column in columns:
            yield _dated(table, column, _no_time(column), removes=True)


def _dated(table: str, column: str, where: str, repair: str = "", **more: object) -> Check:
    rule = f"{table}_{column.strip(chr(34))}_dated"
    return Check(table, KEYS[table], rule, column, where, repair, **more)  # type: ignore[arg-type]


def _no_day(column: str) -> str:
    return f"not t.{column} between {FIRST_DAY} and {LAST_DAY}"


def _no_time(column: str) -> str:
    return f"not (t.{column} >= {FIRST} and t.{column} < {END})"


# ---------------------------------------------------------------- names of users and keys, levels


def _names() -> Iterator[Check]:
    for table, column in (("users", "username"), ("api_keys", "name")):
        key = KEYS[table][0]
        case, look = f"lower({{0}}.{column})", _look(column)
        for rule, form, but in (
            (f"{table}_name_case", case, ""),
            (f"{table}_name_look", look, case),
        ):
            other = f"o.{key} <> t.{key} and {form.format('o')} = {form.format('t')}"
            if but:
                other += f" and {but.format('o')} <> {but.format('t')}"
            rows = f"(select string_agg(o.{column}, ', ' order by o.{key}) from {table} o where {other})"
            yield Check(
                table,
                KEYS[table],
                rule,
                column,
                f"exists (select from {table} o where {other})",
                advice=f"'the same name as ' || {rows} || ': UPDATE one of them'",
                dynamic=True,
            )


def _look(column: str) -> str:
    """Return the expression of look_of_name(), which this migration makes."""
    plain = f"translate({{0}}.{column}, 'I1O0', 'lloo')"
    return f"lower(replace(replace({plain}, 'rn', 'm'), 'vv', 'w') collate \"C\")"


def _levels() -> Iterator[Check]:
    for table, column in (("plots", "geometry"), ("transactions", "details")):
        deep = f"""jsonb_path_exists(t.{column}, 'strict $.**{{64}} ? (@.type() == "object" || @.type() == "array")')"""
        rule, advice = f"{table}_{column}_levels", "it nests more than 64 deep: UPDATE the row"
        if table == "transactions":
            yield Check(table, KEYS[table], rule, column, f"{deep} and {SEALED}", advice=LEAF)
            deep += f" and not {SEALED}"
        yield Check(table, KEYS[table], rule, column, deep, advice=advice)


CHECKS: tuple[Check, ...] = (
    *_numbers(),
    *_dates(),
    *_times(),
    *_levels(),
    *_lost_characters(),
    *(check for text in TEXTS for check in _normal_forms(*text)),
    *_names(),
)


def upgrade() -> None:
    """Run the SQL file beside this module."""
    run_script(op.get_bind(), __file__)
