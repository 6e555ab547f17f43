"""Costs as numbers or functions: what an operation costs may depend on its parameters' values."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from graph.planner.parameters import Param

ParameterValues: TypeAlias = Sequence[Any]
Cost: TypeAlias = int | Callable[[ParameterValues], int]
"""A number, or a function of the values of the operation's parameters."""


def value_of(cost: Cost, values: ParameterValues) -> int:
    """Return a cost for these values of the parameters."""
    return cost if isinstance(cost, int) else cost(values)


def times(size: Param | int, each: Cost) -> Cost:
    """Return the cost of `size` rows that cost `each`."""
    if isinstance(size, int):
        if isinstance(each, int):
            return size * each
        return lambda values: size * each(values)
    index = size.index
    if isinstance(each, int):
        return lambda values: int(values[index]) * each
    return lambda values: int(values[index]) * each(values)


def sum_of(costs: Iterable[Cost]) -> Cost:
    """Return the sum of costs; numbers are added up once, functions at each call."""
    known, varying = 0, []
    for cost in costs:
        if isinstance(cost, int):
            known += cost
        else:
            varying.append(cost)
    match varying:
        case []:
            return known
        case [only]:
            return lambda values: known + only(values)
        case _:
            return lambda values: known + sum([vary(values) for vary in varying])
