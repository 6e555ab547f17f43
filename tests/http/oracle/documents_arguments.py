"""Random arguments of fields: keys, page sizes, cursors, filters, orders."""

from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
)

from tests.http.oracle.documents_literals import Literals
from tests.http.oracle.documents_scope import Level
from tests.http.oracle.documents_values import Values
from tests.http.oracle.oracle_pages import DEFAULT_SIZE, Cursors

MOST_ROWS = 400
SIZES = (0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 7, 12, 100)


class Arguments:
    """Draws the arguments of one document; keeps the rows of its answer few."""

    def __init__(
        self, schema: GraphQLSchema, values: Values, literals: Literals, cursors: Cursors
    ) -> None:
        self._schema = schema
        self._values = values
        self._rng = values.rng
        self._literals = literals
        self._cursors = cursors

    def draw(
        self, owner: str, name: str, definition: GraphQLField, level: Level
    ) -> tuple[str, Level]:
        """Return the arguments in parentheses, and the level of what is below the field."""
        target = get_named_type(definition.type).name
        if "filter" in definition.args:
            arguments, rows = self._page(owner, name, definition, level)
            return self._write_arguments(arguments, definition), Level(level.depth - 1, rows)
        if "ids" in definition.args:
            ids = [self._any_id() for _ in range(self._rng.randint(0, 5))]
            level = Level(level.depth - 1, level.rows * 5)
            return self._write_arguments({"ids": ids}, definition), level
        if "id" in definition.args:
            shown = self._write_arguments({"id": self._any_id()}, definition)
            return shown, Level(level.depth - 1, level.rows)
        if "by" in definition.args:
            kind = get_named_type(definition.args["by"].type)
            assert isinstance(kind, GraphQLInputObjectType)
            by = self._values.by(kind, target)
            return self._write_arguments({"by": by}, definition), Level(level.depth - 1, level.rows)
        within = owner.endswith(("Connection", "Edge"))
        return "", level if within else Level(level.depth - 1, level.rows)

    def _any_id(self) -> str:
        interface = self._schema.type_map["Node"]
        assert isinstance(interface, GraphQLInterfaceType)
        types = self._schema.get_possible_types(interface)
        return self._values.node_id(self._rng.choice(types).name)

    def _page(
        self, owner: str, name: str, definition: GraphQLField, level: Level
    ) -> tuple[dict[str, Any], int]:
        arguments, rows = self._size(level)
        kind = get_named_type(definition.args["filter"].type)
        terms = get_named_type(definition.args["orderBy"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        assert isinstance(terms, GraphQLInputObjectType)
        if self._values.chance(0.4):
            arguments["filter"] = self._values.filter(kind, self._rng.randint(0, 3))
        if "view" in definition.args and self._values.chance(0.3):
            arguments["view"] = self._rng.choice(("CURRENT", "CURRENT", "HISTORY"))
        if "asOf" in definition.args and self._values.chance(0.3):
            arguments["asOf"] = self._values.operand("Transaction", "recordTime", "DateTime")
        contexts = [seen for seen in self._cursors.seen if seen[:2] == (owner, name)]
        if contexts and self._values.chance(0.5):
            context = self._rng.choice(contexts)
            arguments["orderBy"] = self._values.same_order(context[2])
            for argument in self._rng.choice((("after",), ("before",), ("after", "before"))):
                arguments[argument] = self._rng.choice(list(self._cursors.seen[context]))
        elif self._values.chance(0.5):
            arguments["orderBy"] = self._values.order(terms)
        shuffled = self._rng.sample(list(arguments), len(arguments))
        return {argument: arguments[argument] for argument in shuffled}, rows

    def _size(self, level: Level) -> tuple[dict[str, Any], int]:
        """Return a page size that keeps the rows of the document few, and how many rows that makes."""
        if level.rows * DEFAULT_SIZE <= MOST_ROWS and self._values.chance(0.15):
            return {}, level.rows * DEFAULT_SIZE
        room = max(MOST_ROWS // level.rows, 1)
        size = min(self._rng.choice(SIZES), room, 100)
        argument = "last" if self._values.chance(0.4) else "first"
        return {argument: size}, level.rows * max(size, 1)

    def _write_arguments(self, arguments: dict[str, Any], definition: GraphQLField) -> str:
        parts = [
            f"{name}: {self._literals.write(value, definition.args[name].type)}"
            for name, value in arguments.items()
        ]
        absent = [
            name
            for name, argument in definition.args.items()
            if name not in arguments and not isinstance(argument.type, GraphQLNonNull)
        ]
        for name in absent:
            if self._values.chance(0.02):
                parts.append(f"{name}: null")
            elif self._values.chance(0.02):
                parts.append(f"{name}: {self._literals.omitted(definition.args[name].type)}")
        return f"({', '.join(parts)})" if parts else ""
