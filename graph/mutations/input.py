"""Members of inputs and their values: required and optional members, references, texts and masses."""

from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import BigInteger, select, update
from sqlalchemy.orm import Session
from strawberry.utils.str_converters import to_camel_case

from graph.errors import InvalidId
from graph.pagination import read_global_id
from graph.planner.entity import entity_of
from models import Base
from models.errors import InvalidAttribute, NotFound
from models.texts.normal_form import IDENTIFIERS, INDEXED_BYTES, LOST, NAMES, normal_text
from models.texts.schemes import scheme_name

MAX_KILOGRAMS = Decimal(10) ** 11
SCHEME_ATTRIBUTES = ("certification", "scheme")
INDEXED = IDENTIFIERS | NAMES - {"location", "holder"}
REFERENCE = "Its global id, or its number."


def required(description: str) -> Any:
    """Declare a member that the client must provide."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """Declare a member that may be omitted; an update keeps an omitted value and clears a null."""
    return strawberry.field(description=description, default=strawberry.UNSET)


@strawberry.input(description="What every mutation accepts.")
class MutationInput:
    idempotency_key: str | None = strawberry.field(
        description="A key of the client's choice: a second request of the same actor with the same key and input "
        "writes nothing and answers with the same objects.",
        default=None,
    )


def values_of(input: Any, *names: str) -> dict[str, Any]:
    """Return the named members that the client provided, as attributes; raises InvalidAttribute."""
    members = ((name, getattr(input, name)) for name in names)
    values = {name: value for name, value in members if value is not strawberry.UNSET}
    for name, value in values.items():
        if isinstance(value, str):
            values[name] = stored_text(name, value)
    return values


def stored_text(name: str, value: str) -> str:
    """Return the text of an attribute as it is stored: names and identifiers in normal form.

    Raises InvalidAttribute for a text that is blank, too long for an index, or contains U+FFFD.
    """
    if name in NAMES or name in IDENTIFIERS:
        if LOST in value:
            raise InvalidAttribute("A character of it was lost before it came here (U+FFFD).", name)
        value = scheme_name(value) if name in SCHEME_ATTRIBUTES else normal_text(value)
        if name in INDEXED and len(value.encode()) > INDEXED_BYTES:
            raise InvalidAttribute(f"It is longer than {INDEXED_BYTES} bytes of UTF-8.", name)
    if not value.strip() and name != "description":
        raise InvalidAttribute("It must not be blank.", name)
    return value


def require(values: dict[str, Any], *names: str) -> None:
    """Raise InvalidAttribute for a null of these attributes."""
    for name in names:
        if name in values and values[name] is None:
            raise InvalidAttribute("It must not be null.", name)


def choose_one(input: Any, *names: str) -> str:
    """Return the only one of these members that is not null; raises InvalidAttribute otherwise."""
    chosen = [name for name in names if getattr(input, name) not in (None, strawberry.UNSET)]
    if len(chosen) != 1:
        shown = " and ".join(to_camel_case(name) for name in names)
        raise InvalidAttribute(f"Give exactly one of {shown}.", names[0])
    return chosen[0]


def check_kilograms(value: Decimal | None, attribute: str = "quantity_kg") -> None:
    """Check a mass in kg: above zero, in grams, below 10^11; raises InvalidAttribute."""
    if value is None:
        raise InvalidAttribute("It must have a value, in kilograms.", attribute)
    if value <= 0:
        raise InvalidAttribute("It must be above zero.", attribute)
    if value >= MAX_KILOGRAMS:
        raise InvalidAttribute("It must be below 10^11 kg.", attribute)
    if value != round(value, 3):
        raise InvalidAttribute("It has at most three decimals: grams.", attribute)


def find(session: Session, model: type[Base], reference: str, attribute: str) -> int:
    """Return the primary key of a reference; raises InvalidAttribute, or NotFound without a row."""
    entity = entity_of(model)
    try:
        key = (
            int(reference)
            if reference.isascii() and reference.isdigit() and len(reference) < 19
            else read_global_id(reference, [entity.name])[1]
        )
    except InvalidId as error:
        raise InvalidAttribute(str(error), attribute) from None
    column = entity.column(entity.key)
    most = 2**63 if isinstance(column.type, BigInteger) else 2**31
    if key >= most or session.execute(select(column).where(column == key)).first() is None:
        raise NotFound(f"There is no {entity.name} with the id {reference}.", attribute)
    return key


def insert_row(session: Session, model: type[Base], values: dict[str, Any]) -> int:
    """Insert a row; return its primary key."""
    row = model(**values)
    session.add(row)
    session.flush()
    return int(getattr(row, entity_of(model).key))


def update_row(session: Session, model: type[Base], key: int, values: dict[str, Any]) -> int:
    """Update these attributes of a row, if any; return its primary key."""
    if values:
        session.execute(
            update(model).where(entity_of(model).column(entity_of(model).key) == key).values(values)
        )
    return key
