"""What an operation may cost, before it is run: the objects that may be read, variables included.

- A row is 1, and so is each object beneath it; a field of one value is nothing.
- A page of `first: n` is 1, and n times what one of its rows costs with all beneath it; as much again
  for each list it is shown as (`nodes`, `edges`).
- `totalCount` is 1,000 at the root, where a table is counted, and 10 beneath a row.
- A comparison of a filter is 1; `contains`, where no trigram index finds it, since the column has none or
  the text no three letters or digits in a row, is 2,000 at the root, 100 in a step that cannot be joined,
  and 10 beneath a row.
- A step into a relation is 10 and what is asked there; 20 times that, where the rows of a list cannot
  be joined: with `every` and `none`, and beneath `every`, `or` and `not`.
- `nodes(ids)` is its number of ids times what one object costs.
- The ledger, and a proof in it, is 20 of each row that it is asked of.
- A trace, origins or an impact is 500 of each row that it is asked of, and each of its pages as above;
  what it reaches is charged when it is known, see planner/reader.py.
- Findings are 30 a rule of each row that they are asked of, 1,200 a rule of everything; `totalCount` is as much again.
- A mutation is 50 and its payload. What no row answers, such as the schema, is counted field by field.

No operation is less than 1. What is costly to PostgreSQL alone (an order without an index, a filter
that finds little) is not seen here: its client pays for the time afterwards, and statement_timeout ends it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    All,
    AnyOf,
    Call,
    Compare,
    ComputedConnection,
    Condition,
    Edges,
    Entry,
    EntryEdges,
    Findings,
    IsNull,
    Lineage,
    LineageFields,
    Lookup,
    Member,
    NodeList,
    Nodes,
    Not,
    One,
    Operation,
    Page,
    PageInfo,
    Param,
    Related,
    RootValue,
    Shape,
    TotalCount,
)
from graph.types.node import VIEW_MODELS

Values: TypeAlias = Sequence[Any]
Cost: TypeAlias = int | Callable[[Values], int]
"""What does not depend on the values of the slots, or a function of these."""

COUNT_OF_TABLE, COUNT_OF_RELATED = 1_000, 10
SEARCH_OF_TABLE, SEARCH_OF_STEP, SEARCH_OF_RELATED = 2_000, 100, 10
# Letters and digits in a row that an index of trigrams can look for.
TRIGRAM = re.compile(r"[^\W_]{3}")
STEP = 10
# PostgreSQL may ask again for each row above what it cannot join: levels of it multiply.
STEEP = 20
MUTATION = 50
LINEAGE = 500
# What a rule reads: of one row and what it was made of, and of all there is.
RULE_OF_ROW, RULE_OF_ALL = 30, 1_200
PROOF = 20


def cost_of(operation: Operation, besides: int = 0) -> Cost:
    """The cost of an operation, and of what else it asks for."""
    made = total(_root(value) for _, value in operation.fields)
    return total((made, besides or int(made == 0)))


def value_of(cost: Cost, values: Values) -> int:
    """The cost for these values of the slots."""
    return cost if isinstance(cost, int) else cost(values)


def _root(value: RootValue) -> Cost:
    match value:
        case Lookup(shape=shape):
            return cost_of_row(shape)
        case NodeList(keys=keys, shapes=shapes):
            slot, each = keys.slot, [cost_of_row(shape) for shape in shapes]
            if all(isinstance(cost, int) for cost in each):
                most = max([1, *(value_of(cost, ()) for cost in each)])
                return lambda values: most * (len(values[slot]) or 1)
            return lambda values: (
                max([value_of(c, values) for c in each]) * (len(values[slot]) or 1)
            )
        case Findings(rules=rules):
            return _page(value, RULE_OF_ALL * len(rules), once=RULE_OF_ALL * len(rules))
        case Page():
            return _page(value, COUNT_OF_TABLE, SEARCH_OF_TABLE)
        case _:
            return 0


def cost_of_row(shape: Shape) -> Cost:
    """The cost of one row with all beneath it."""
    beneath: list[Cost] = [PROOF if shape.entity in VIEW_MODELS else 1]
    for _, value in shape.fields:
        match value:
            case One(shape=one) | Call(shape=one):
                beneath.append(cost_of_row(one))
            case Findings(rules=rules):
                once = RULE_OF_ROW * len(rules)
                beneath.append(_page(value, once, once=once))
            case Page():
                beneath.append(_page(value, COUNT_OF_RELATED, SEARCH_OF_RELATED))
            case Lineage(shown=ComputedConnection() as listing):
                beneath += [LINEAGE, _listing(listing)]
            case Lineage(shown=LineageFields(fields=fields)):
                listings = [part for _, part in fields if isinstance(part, ComputedConnection)]
                beneath += [LINEAGE, *map(_listing, listings)]
            case _:
                pass
    return total(beneath)


def _listing(listing: ComputedConnection) -> Cost:
    lists: list[Cost] = []
    for _, value in listing.fields:
        match value:
            case Entry():
                lists.append(_entry(value))
            case EntryEdges(fields=fields):
                shown = [part for _, part in fields if isinstance(part, Entry)]
                lists.append(total(map(_entry, shown)) if shown else 1)
            case _:
                pass
    return total((1, times(listing.limit, total(lists))))


def _entry(entry: Entry) -> Cost:
    members = [cost_of_row(part.shape) for _, part in entry.fields if isinstance(part, Member)]
    return total(members) if members else 1


def _page(page: Page, count: int, search: int = SEARCH_OF_RELATED, once: int = 1) -> Cost:
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
                lists.append(total(map(cost_of_row, shapes)) if shapes else 1)
            case PageInfo():
                numbered = True
            case TotalCount():
                once += count
            case _:
                pass
    return total((once, condition, times(page.limit, total(lists) if lists else int(numbered))))


def _condition(condition: Condition, entity: Entity, search: int, joins: bool = True) -> Cost:
    """The cost of a filter where to search all rows costs so much; `joins`: steps become joins."""
    match condition:
        case Compare(column=attribute, operator="contains", value=param):
            return _search(param, search) if entity.has_trigrams(attribute) else search
        case Compare() | IsNull():
            return 1
        case All(of=parts):
            return total(_condition(part, entity, search, joins) for part in parts)
        case AnyOf(of=parts):
            return total(_condition(part, entity, search, False) for part in parts)
        case Not(of=part):
            return _condition(part, entity, search, False)
        case Related(relationship=name, quantifier=quantifier, condition=part):
            joined = joins and quantifier == "some"
            # What cannot be joined multiplies already.
            search = search if joined else min(search, SEARCH_OF_STEP)
            beneath = _condition(part, entity.target(name), search, quantifier != "every")
            each = 1 if joined or not entity.relationship(name).uselist else STEEP
            return total((STEP, times(each, beneath)))


def _search(param: Param, search: int) -> Cost:
    """The cost of a search by an index of trigrams, which helps only where the text has one."""
    slot = param.slot
    return lambda values: 1 if TRIGRAM.search(values[slot]) else search


def times(size: Param | int, each: Cost) -> Cost:
    """What as many cost as a page has rows."""
    if isinstance(size, int):
        if isinstance(each, int):
            return size * each
        return lambda values: size * each(values)
    slot = size.slot
    if isinstance(each, int):
        return lambda values: int(values[slot]) * each
    return lambda values: int(values[slot]) * each(values)


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of costs, of which those that are known are added up once."""
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
