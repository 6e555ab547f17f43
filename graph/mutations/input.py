"""Members of inputs and their values: required and optional members, references, texts and masses."""

import dataclasses
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import strawberry
from sqlalchemy import BigInteger, select, update
from sqlalchemy.orm import Session
from strawberry.types.field import StrawberryField
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
REFERENCE = "A global id or a number."
FORMER_NAME = "former name"

_T = TypeVar("_T", bound=type)


def required(description: str) -> Any:
    """Declare a member that the client must provide."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """Declare a member that may be omitted; an update keeps an omitted value and clears a null."""
    return strawberry.field(description=description, default=strawberry.UNSET)


def reference(description: str, *, former: str | None = None) -> Any:
    """Declare a member that refers to an object, by its global id or its number.

    `former` is a deprecated name of the member, which the input accepts as well. The member is
    optional in the schema then, and `find_reference` requires one of the two.
    """
    return strawberry.field(
        description=f"{description} {REFERENCE}",
        default=strawberry.UNSET if former else dataclasses.MISSING,
        metadata={FORMER_NAME: former},
    )


def write_input(description: str) -> Callable[[_T], _T]:
    """Declare an input of a mutation, with the deprecated names of its references."""

    def declare(cls: _T) -> _T:
        for name, member in [*vars(cls).items()]:
            former = isinstance(member, StrawberryField) and member.metadata.get(FORMER_NAME)
            if former:
                cls.__annotations__[former] = strawberry.ID | None
                setattr(cls, former, _deprecated_in_favor_of(name))
        return strawberry.input(cls, description=description)

    return declare


def _deprecated_in_favor_of(name: str) -> Any:
    return strawberry.field(
        description=REFERENCE,
        default=strawberry.UNSET,
        deprecation_reason=f"Use `{to_camel_case(name)}`.",
    )


def update_input(
    create: Any, description: str, *, without: Sequence[str] = ()
) -> Callable[[_T], _T]:
    """Declare the input that corrects what the input `create` made: each of its members, optional.

    `without` are the members that a correction cannot change.
    """

    def declare(cls: _T) -> _T:
        members = {field.python_name: field for field in create.__strawberry_definition__.fields}
        for name, annotation in create.__annotations__.items():
            member = members[name]
            if name not in without and not member.deprecation_reason:
                cls.__annotations__[name] = annotation | None
                shown: Any = strawberry.field(
                    description=member.description,
                    default=strawberry.UNSET,
                    metadata=member.metadata,
                )
                setattr(cls, name, shown)
        return write_input(description)(cls)

    return declare


@strawberry.input(description="A member that every mutation accepts.")
class MutationInput:
    idempotency_key: str | None = strawberry.field(
        description="A key that the client chooses. A second request of the same actor with the same key and input "
        "writes nothing and returns the same objects.",
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
    """Return the only one of these references that is not null; raises InvalidAttribute otherwise."""
    chosen = [name for name in names if refers(input, name)]
    if len(chosen) != 1:
        shown = " and ".join(to_camel_case(name) for name in names)
        raise InvalidAttribute(f"Give exactly one of {shown}.", provided_name(input, names[0]))
    return chosen[0]


def provided_name(input: Any, name: str) -> str:
    """Return the name under which the client provided a reference: the present or the former one."""
    former = former_name(input, name)
    provided = former is not None and getattr(input, former) is not strawberry.UNSET
    return former if provided and former else name


def former_name(input: Any, name: str) -> str | None:
    """Return the deprecated name of a reference; None for a member that has none."""
    return _references(input).get(name)


def _references(input: Any) -> dict[str, str | None]:
    """Return the references of an input with their deprecated names."""
    return {
        field.python_name: field.metadata[FORMER_NAME]
        for field in input.__strawberry_definition__.fields
        if FORMER_NAME in field.metadata
    }


def refers(input: Any, name: str) -> bool:
    """Return whether the client provided a reference that is not null."""
    return getattr(input, provided_name(input, name)) not in (None, strawberry.UNSET)


def shown_name(input: Any, attribute: str) -> str:
    """Return the member of an input that an attribute of the model comes from.

    A reference of an update has another name than its attribute: `id` for `product_id`.
    """
    for name, former in _references(input).items():
        if attribute == (former or f"{name}_id"):
            return provided_name(input, name)
    return attribute


def is_provided(input: Any, name: str) -> bool:
    """Return whether the client provided a reference, or a null for it."""
    return getattr(input, provided_name(input, name)) is not strawberry.UNSET


def find_reference(session: Session, model: type[Base], input: Any, name: str) -> int:
    """Return the primary key that a reference of an input stands for.

    Raises InvalidAttribute for a reference that is missing, null, malformed or given under both of
    its names, and NotFound where no row has the key.
    """
    provided = provided_name(input, name)
    value = getattr(input, provided)
    if provided != name and getattr(input, name) is not strawberry.UNSET:
        both = f"{to_camel_case(name)} and {to_camel_case(provided)}"
        raise InvalidAttribute(f"Give one of {both}, not both.", name)
    if value is strawberry.UNSET:
        raise InvalidAttribute("It must be given.", name)
    if value is None:
        raise InvalidAttribute("It must not be null.", provided)
    return find(session, model, value, provided)


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
