"""The cost of an operation before it runs: the objects that it may read, and what they cost to find.

- A row costs 1, and so does each object below it; a field with one value costs nothing.
- A page of `first: n` costs 1, and n times the cost of one of its rows with all objects below it, once
  for each list in which the page contains its rows (`nodes`, `edges`).
- `totalCount` costs 1,000 at the root, where PostgreSQL counts a table, and 10 below a row.
- A comparison of a filter costs 1. `contains` without a trigram index (the column has none, or the text
  has no three letters or digits in a row) costs 2,000 at the root, 100 in a step that PostgreSQL cannot
  join, and 10 below a row.
- A step into a relation costs 10 and its condition; for the rows of a list that cannot be joined (with
  `every` and `none`, and below `every`, `or` and `not`), 20 times the condition.
- `nodes(ids)` costs the number of ids times the cost of one object.
- The ledger, and a proof in it, cost 20 for each row.
- A computed field states its own cost in graph.planner.steps.
- A mutation costs 50 and its payload. graph.planner.introspection states the cost of introspection.

The minimum is 1. This model does not see what is expensive for PostgreSQL alone, such as an order
without an index: the client pays for the time afterwards, and statement_timeout ends the statement.
"""

import re

from graph.planner.cost import Cost, sum_of, times, value_of
from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    All,
    AnyOf,
    Call,
    Compare,
    Condition,
    Edges,
    IsNull,
    Lookup,
    NodeList,
    Nodes,
    Not,
    One,
    Operation,
    Page,
    PageInfoNode,
    Related,
    RootValue,
    Shape,
    Step,
    TotalCount,
)
from graph.planner.parameters import Param
from graph.types.node import VIEW_MODELS

COUNT_OF_TABLE, COUNT_OF_RELATED = 1_000, 10
SEARCH_OF_TABLE, SEARCH_OF_STEP, SEARCH_OF_RELATED = 2_000, 100, 10
# Letters and digits in a row that a trigram index can find.
TRIGRAM = re.compile(r"[^\W_]{3}")
STEP = 10
# PostgreSQL may run a step that it cannot join once for each row: the costs of nested steps multiply.
STEEP = 20
MUTATION = 50
VIEW_ROW = 20


def cost_of(operation: Operation, unplanned: int = 0) -> Cost:
    """Return the cost of an operation whose unplanned fields cost `unplanned`."""
    planned = sum_of(_root(value) for _, value in operation.fields)
    return sum_of((planned, unplanned or int(planned == 0)))


def _root(value: RootValue) -> Cost:
    match value:
        case Lookup(shape=shape):
            return cost_of_row(shape)
        case NodeList(keys=keys, shapes=shapes):
            index, each = keys.index, [cost_of_row(shape) for shape in shapes]
            if all(isinstance(cost, int) for cost in each):
                most = max([1, *(value_of(cost, ()) for cost in each)])
                return lambda values: most * (len(values[index]) or 1)
            return lambda values: (
                max([value_of(c, values) for c in each]) * (len(values[index]) or 1)
            )
        case Step():
            return value.cost(at_root=True)
        case Page():
            return cost_of_page(value, COUNT_OF_TABLE, SEARCH_OF_TABLE)
        case _:
            return 0


def cost_of_row(shape: Shape) -> Cost:
    """Return the cost of one row with all objects below it."""
    below: list[Cost] = [VIEW_ROW if shape.entity in VIEW_MODELS else 1]
    for _, value in shape.fields:
        match value:
            case One(shape=one) | Call(shape=one):
                below.append(cost_of_row(one))
            case Step():
                below.append(value.cost(at_root=False))
            case Page():
                below.append(cost_of_page(value, COUNT_OF_RELATED, SEARCH_OF_RELATED))
            case _:
                pass
    return sum_of(below)


def cost_of_page(page: Page, count: int, search: int = SEARCH_OF_RELATED, once: int = 1) -> Cost:
    """Return the cost of a page.

    `count` is the cost of `totalCount`, `search` that of a text search without a trigram index, and
    `once` that of the page without rows.
    """
    condition: Cost = 0
    if page.condition is not None:
        condition = _condition(page.condition, entity_named(page.entity), search)
    lists: list[Cost] = []
    numbered = False
    for _, value in page.fields:
        match value:
            case Nodes(shape=shape):
                lists.append(cost_of_row(shape))
            case Edges(fields=fields):
                shapes = [part for _, part in fields if isinstance(part, Shape)]
                lists.append(sum_of(map(cost_of_row, shapes)) if shapes else 1)
            case PageInfoNode():
                numbered = True
            case TotalCount():
                once += count
            case _:
                pass
    return sum_of((once, condition, times(page.limit, sum_of(lists) if lists else int(numbered))))


def _condition(condition: Condition, entity: Entity, search: int, joins: bool = True) -> Cost:
    """Return the cost of a filter. `joins`: PostgreSQL can join the steps into relations."""
    match condition:
        case Compare(column=attribute, operator="contains", value=param):
            return _search(param, search) if entity.has_trigrams(attribute) else search
        case Compare() | IsNull():
            return 1
        case All(of=parts):
            return sum_of(_condition(part, entity, search, joins) for part in parts)
        case AnyOf(of=parts):
            return sum_of(_condition(part, entity, search, False) for part in parts)
        case Not(of=part):
            return _condition(part, entity, search, False)
        case Related(relationship=name, quantifier=quantifier, condition=part):
            joined = joins and quantifier == "some"
            # The cost of a step that cannot be joined is multiplied below.
            search = search if joined else min(search, SEARCH_OF_STEP)
            below = _condition(part, entity.target(name), search, quantifier != "every")
            each = 1 if joined or not entity.relationship(name).uselist else STEEP
            return sum_of((STEP, times(each, below)))


def _search(param: Param, search: int) -> Cost:
    """Return the cost of a search by a trigram index, which needs a trigram in the text."""
    index = param.index
    return lambda values: 1 if TRIGRAM.search(values[index]) else search
