"""The declarative base and the column types that carry a unit or a format in their name."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import Date, DateTime, Integer, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

Key = Annotated[int, mapped_column(Integer)]
Name = Annotated[str, mapped_column(Text(collation="C"))]
Kilograms = Annotated[Decimal, mapped_column(Numeric(14, 3))]
Hectares = Annotated[Decimal, mapped_column(Numeric(12, 4))]
Percent = Annotated[Decimal, mapped_column(Numeric(4, 1))]
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
