"""What the inputs of mutations share: optional members, references, and the numbers behind them."""

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
SCHEMES = ("certification", "scheme")
INDEXED = IDENTIFIERS | NAMES - {"location", "holder"}
REFERENCE = "Its global id, or its number."


def given(description: str) -> Any:
    """A member that must be given."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """A member that may be left out; in an update, left out means unchanged and null cleared."""
    return strawberry.field(description=description, default=strawberry.UNSET)


@strawberry.input(description="What every mutation accepts.")
class MutationInput:
    idempotency_key: str | None = strawberry.field(
        description="A key of the client's choice: a second request of the same actor with the same key and input "
        "writes nothing and answers with the same objects.",
        default=None,
    )


def values_of(input: Any, *names: str) -> dict[str, Any]:
    """The named members that were given, as attributes of a model; raises InvalidAttribute."""
    members = ((name, getattr(input, name)) for name in names)
    values = {name: value for name, value in members if value is not strawberry.UNSET}
    for name, value in values.items():
        if isinstance(value, str):
            values[name] = text_of(name, value)
    return values


def text_of(name: str, value: str) -> str:
    """The text of an attribute as it is stored: names and identifiers in their normal form.

    Raises InvalidAttribute for one that is blank, longer than can be indexed, or lacks a character.
    """
    if name in NAMES or name in IDENTIFIERS:
        if LOST in value:
            raise InvalidAttribute("A character of it was lost before it came here (U+FFFD).", name)
        value = scheme_name(value) if name in SCHEMES else normal_text(value)
        if name in INDEXED and len(value.encode()) > INDEXED_BYTES:
            raise InvalidAttribute(f"It is longer than {INDEXED_BYTES} bytes of UTF-8.", name)
    if not value.strip() and name != "description":
        raise InvalidAttribute("It must not be blank.", name)
    return value


def require(values: dict[str, Any], *names: str) -> None:
    """Refuse null for attributes that must have a value."""
    for name in names:
        if name in values and values[name] is None:
            raise InvalidAttribute("It must not be null.", name)


def choose_one(input: Any, *names: str) -> str:
    """Which of these members was given, not null; raises InvalidAttribute unless it is just one."""
    chosen = [name for name in names if getattr(input, name) not in (None, strawberry.UNSET)]
    if len(chosen) != 1:
        shown = " and ".join(to_camel_case(name) for name in names)
        raise InvalidAttribute(f"Give exactly one of {shown}.", names[0])
    return chosen[0]


def check_kilograms(value: Decimal | None, attribute: str = "quantity_kg") -> None:
    """A mass in kg: above zero, to the gram, below 10^11; raises InvalidAttribute."""
    if value is None:
        raise InvalidAttribute("It must be given, in kilograms.", attribute)
    if value <= 0:
        raise InvalidAttribute("It must be above zero.", attribute)
    if value >= MAX_KILOGRAMS:
        raise InvalidAttribute("It must be below 10^11 kg.", attribute)
    if value != round(value, 3):
        raise InvalidAttribute("It has at most three decimals: grams.", attribute)


def find(session: Session, model: type[Base], reference: str, attribute: str) -> int:
    """The primary key that a reference stands for; raises NotFound if there is no such row."""
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
    """Insert a row; its primary key."""
    row = model(**values)
    session.add(row)
    session.flush()
    return int(getattr(row, entity_of(model).key))


def update_row(session: Session, model: type[Base], key: int, values: dict[str, Any]) -> int:
    """Change the given attributes of a row, if any; its primary key."""
    if values:
        session.execute(
            update(model).where(entity_of(model).column(entity_of(model).key) == key).values(values)
        )
    return key
