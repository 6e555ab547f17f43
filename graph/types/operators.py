"""The operators of filters, by scalar.

A value must satisfy all operators of one object. A null satisfies only `isNull: true`.
"""

from typing import Any

import strawberry

from graph.types.cacao_batch import Custody
from graph.types.finding import AuditRule, AuditSeverity
from graph.types.role import Role
from graph.types.scalar import GTIN, BigInt, CountryCode, Date, DateTime, Decimal
from graph.types.stage import Stage

EQ = "Equal to this value."
IN = "Equal to one of these values."
GT = "Greater than this value."
GTE = "Greater than or equal to this value."
LT = "Less than this value."
LTE = "Less than or equal to this value."
IS_NULL = "Whether the value is null."


def _op(description: str) -> Any:
    return strawberry.field(description=description, default=strawberry.UNSET)


@strawberry.input(description="Compares a text. Only `contains` ignores case and accents.")
class StringFilter:
    eq: str | None = _op(EQ)
    in_: list[str] | None = strawberry.field(name="in", description=IN, default=strawberry.UNSET)
    contains: str | None = _op("Contains this text; case and accents are ignored.")
    gt: str | None = _op(GT + " Texts compare by Unicode code point.")
    gte: str | None = _op(GTE)
    lt: str | None = _op(LT)
    lte: str | None = _op(LTE)
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares a whole number.")
class IntFilter:
    eq: int | None = _op(EQ)
    in_: list[int] | None = strawberry.field(name="in", description=IN, default=strawberry.UNSET)
    gt: int | None = _op(GT)
    gte: int | None = _op(GTE)
    lt: int | None = _op(LT)
    lte: int | None = _op(LTE)
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares a whole number that may exceed 2^31.")
class BigIntFilter:
    eq: BigInt | None = _op(EQ)
    in_: list[BigInt] | None = strawberry.field(name="in", description=IN, default=strawberry.UNSET)
    gt: BigInt | None = _op(GT)
    gte: BigInt | None = _op(GTE)
    lt: BigInt | None = _op(LT)
    lte: BigInt | None = _op(LTE)
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares an exact decimal number.")
class DecimalFilter:
    eq: Decimal | None = _op(EQ)
    in_: list[Decimal] | None = strawberry.field(
        name="in", description=IN, default=strawberry.UNSET
    )
    gt: Decimal | None = _op(GT)
    gte: Decimal | None = _op(GTE)
    lt: Decimal | None = _op(LT)
    lte: Decimal | None = _op(LTE)
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares a calendar date.")
class DateFilter:
    eq: Date | None = _op(EQ)
    in_: list[Date] | None = strawberry.field(name="in", description=IN, default=strawberry.UNSET)
    gt: Date | None = _op("Later than this value.")
    gte: Date | None = _op("On this day or later.")
    lt: Date | None = _op("Earlier than this value.")
    lte: Date | None = _op("On this day or earlier.")
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares a point in time.")
class DateTimeFilter:
    eq: DateTime | None = _op(EQ)
    in_: list[DateTime] | None = strawberry.field(
        name="in", description=IN, default=strawberry.UNSET
    )
    gt: DateTime | None = _op("Later than this value.")
    gte: DateTime | None = _op("At this time or later.")
    lt: DateTime | None = _op("Earlier than this value.")
    lte: DateTime | None = _op("At this time or earlier.")
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares a global id.")
class IDFilter:
    eq: strawberry.ID | None = _op(EQ)
    in_: list[strawberry.ID] | None = strawberry.field(
        name="in", description=IN, default=strawberry.UNSET
    )


@strawberry.input(description="Compares a GTIN, whatever the number of digits it is written with.")
class GTINFilter:
    eq: GTIN | None = _op(EQ)
    in_: list[GTIN] | None = strawberry.field(name="in", description=IN, default=strawberry.UNSET)
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares a country.")
class CountryCodeFilter:
    eq: CountryCode | None = _op(EQ)
    in_: list[CountryCode] | None = strawberry.field(
        name="in", description=IN, default=strawberry.UNSET
    )
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares the stage of a batch.")
class StageFilter:
    eq: Stage | None = _op(EQ)
    in_: list[Stage] | None = strawberry.field(name="in", description=IN, default=strawberry.UNSET)
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares how a batch was kept apart.")
class CustodyFilter:
    eq: Custody | None = _op(EQ)
    in_: list[Custody] | None = strawberry.field(
        name="in", description=IN, default=strawberry.UNSET
    )
    is_null: bool | None = _op(IS_NULL)


@strawberry.input(description="Compares what is either so or not.")
class BooleanFilter:
    eq: bool | None = _op(EQ)


@strawberry.input(description="Compares a role.")
class RoleFilter:
    eq: Role | None = _op(EQ)
    in_: list[Role] | None = strawberry.field(name="in", description=IN, default=strawberry.UNSET)


@strawberry.input(description="Compares a rule of findings.")
class AuditRuleFilter:
    eq: AuditRule | None = _op(EQ)
    in_: list[AuditRule] | None = strawberry.field(
        name="in", description=IN, default=strawberry.UNSET
    )


@strawberry.input(description="Compares how severe a finding is.")
class AuditSeverityFilter:
    eq: AuditSeverity | None = _op(EQ)
    in_: list[AuditSeverity] | None = strawberry.field(
        name="in", description=IN, default=strawberry.UNSET
    )


OPERATORS: dict[object, type] = {
    str: StringFilter,
    int: IntFilter,
    BigInt: BigIntFilter,
    Decimal: DecimalFilter,
    Date: DateFilter,
    DateTime: DateTimeFilter,
    strawberry.ID: IDFilter,
    GTIN: GTINFilter,
    CountryCode: CountryCodeFilter,
    Stage: StageFilter,
    Custody: CustodyFilter,
    bool: BooleanFilter,
    Role: RoleFilter,
    AuditRule: AuditRuleFilter,
    AuditSeverity: AuditSeverityFilter,
}
