"""The declarative base, and column types whose names say their unit or format."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import Date, DateTime, Dialect, Integer, MetaData, Numeric, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

Key = Annotated[int, mapped_column(Integer)]
Name = Annotated[str, mapped_column(Text(collation="C"))]


# A value with a larger exponent cannot be rounded to a few decimals in decimal's context of 28 digits.
_MAX_DIGITS = 20


class FixedPoint(TypeDecorator[Decimal]):
    """A `numeric` that is read with a fixed number of decimals.

    A check in schema.sql refuses a value with more decimals; a column with a scale would round it.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, decimals: int) -> None:
        super().__init__()
        self.decimals = decimals

    @property
    def python_type(self) -> type[Decimal]:
        """Return the type of a value in Python."""
        return Decimal

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the value with all its decimals.

        A value with more decimals is returned unchanged, and the database refuses it.
        """
        if value is None or not value.is_finite() or value.adjusted() > _MAX_DIGITS:
            return value
        shown = round(value, self.decimals)
        return shown if shown == value else value

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the value with all its decimals: 700 kg is read as 700.000."""
        return None if value is None else round(value, self.decimals)


Kilograms = Annotated[Decimal, mapped_column(FixedPoint(3))]
Hectares = Annotated[Decimal, mapped_column(FixedPoint(4))]
Percent = Annotated[Decimal, mapped_column(FixedPoint(1))]
Day = Annotated[date, mapped_column(Date)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Json = Annotated[Any, mapped_column(JSONB(none_as_null=True))]

# The names that PostgreSQL gives to constraints, so that the models and schema.sql agree.
NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(DeclarativeBase):
    """The base class of every table.

    Relationships are `lazy="raise"`, because only the planner reads related rows.
    """

    metadata = MetaData(naming_convention=NAMING)
