"""The declarative base and the column types that carry a unit or a format in their name."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import Date, DateTime, Dialect, Integer, MetaData, Numeric, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

Key = Annotated[int, mapped_column(Integer)]
Name = Annotated[str, mapped_column(Text(collation="C"))]


# Digits that decimal's own context counts exactly.
_MAX_DIGITS = 20


class FixedPoint(TypeDecorator[Decimal]):
    """`numeric`, read with so many decimals.

    A check in schema.sql refuses what is finer; a type with a scale would round it instead.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, decimals: int) -> None:
        super().__init__()
        self.decimals = decimals

    @property
    def python_type(self) -> type[Decimal]:
        """What a cursor's value is read as."""
        return Decimal

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the value with all its decimals; one that is finer as it is, for the database to refuse."""
        if value is None or not value.is_finite() or value.adjusted() > _MAX_DIGITS:
            return value
        shown = round(value, self.decimals)
        return shown if shown == value else value

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the value with all its decimals: 700 kg read as 700.000."""
        return None if value is None else round(value, self.decimals)


Kilograms = Annotated[Decimal, mapped_column(FixedPoint(3))]
Hectares = Annotated[Decimal, mapped_column(FixedPoint(4))]
Percent = Annotated[Decimal, mapped_column(FixedPoint(1))]
Day = Annotated[date, mapped_column(Date)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Json = Annotated[Any, mapped_column(JSONB(none_as_null=True))]

# PostgreSQL's own names, so that a violation's constraint name reads the same in both.
NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(DeclarativeBase):
    """Every table; relationships are `lazy="raise"`: the planner is the one way to read."""

    metadata = MetaData(naming_convention=NAMING)
