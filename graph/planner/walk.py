"""One walk through one operation: its selections and arguments become nodes, or are refused.

What is refused is refused here, before the database is touched: with the path and the node of the
field where something is wrong, or that may not be used.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_enum_type,
    is_object_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from graph.auth.permissions import EVENTS, denied
from graph.auth.roles import ANYONE
from graph.errors import (
    DocumentTooLarge,
    Refused,
    RequestError,
    refuse,
)
from graph.pagination import (
    PageArguments,
    check_page_size,
    read_page_arguments,
)
from graph.planner.arguments import ArgumentReader, Values
from graph.planner.catalog import Catalog, attribute_of, key_of_id, type_of_id
from graph.planner.cost import cost_of_row, value_of
from graph.planner.entity import Entity, entity_named
from graph.planner.introspection import MAX_INTROSPECTION, cost_of_introspection
from graph.planner.nodes import (
    Call,
    Column,
    Cursor,
    EdgeColumn,
    Edges,
    EdgeValue,
    GlobalId,
    Lookup,
    NodeList,
    Nodes,
    One,
    Page,
    PageFact,
    PageInfo,
    PageInfoField,
    PageValue,
    Param,
    RootValue,
    RowValue,
    Shape,
    TotalCount,
    Typename,
)
from graph.planner.selection import Selections, Step
from graph.planner.steps.findings import findings_of
from graph.planner.steps.lineage_selection import LineageWalk
from graph.planner.variables import Traced
from graph.types.finding import FINDING
from graph.types.lineage import LINEAGES
from graph.types.node import NODE_MODELS, VIEW_MODELS

MAX_REFUSED = 20
# The key of a row's type name where graphql-core has to find it; no response key is like it.
TYPE_KEY = "$type"


class Walk:
    """One walk through one operation's selections."""

    def __init__(
        self,
        catalog: Catalog,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        role: str | None,
    ) -> None:
        self.catalog = catalog
        self.variables = variables
        # Whether graphql-core completes the rows: where a type is abstract, it needs the name.
        self.rows = True
        self.values = Values()
        self.selections = Selections(catalog.schema, fragments, variables)
        self.arguments = ArgumentReader(
            catalog.attributes, self.values, self.require, self.reach, catalog.limits
        )
        self.steps: list[Step] = []
        # None where all has been allowed before.
        self.role = role
        self.roles = ANYONE
        self.refused: list[GraphQLError] = []
        self.hidden: set[str] = set()
        self.objects = 0
        # What it costs to answer what is looked at, and not planned.
        self.looked = 0
        self.told = 0
        self.lineages = LineageWalk(self)

    # ------------------------------------------------------------ errors name path and place

    @contextmanager
    def at(self, key: str, node: FieldNode) -> Iterator[None]:
        """While inside, a request error is one of this field, with its path."""
        self.steps.append(Step(key, node))
        self.objects += 1
        try:
            most = self.catalog.limits.objects
            if self.objects > most:
                raise DocumentTooLarge(f"The document asks for more than {most} objects.")
            yield
        except RequestError as error:
            raise self._placed(refuse(error, [node])) from error
        except GraphQLError as error:
            # An argument that cannot be coerced says why, but not where.
            if error.nodes:
                raise
            raise self._placed(GraphQLError(error.message, [node])) from error
        finally:
            self.steps.pop()

    def _placed(self, error: GraphQLError) -> GraphQLError:
        error.path = [step.key for step in self.steps]
        return error

    # ------------------------------------------------------------ who may

    def require(self, type_: str, field: str, step: Step | None = None) -> None:
        """Note that a field is used, at this step or by an argument where the walk stands."""
        allowed = self.catalog.permissions.allowed(type_, field)
        self.roles &= allowed
        if self.role is None or self.role in allowed:
            return
        steps = [*self.steps, step] if step else self.steps
        path = [passed.key for passed in steps]
        # What is beneath something refused is refused with it.
        if not any(path[: len(error.path or ())] == error.path for error in self.refused):
            error = refuse(denied(f"{type_}.{field}", allowed, self.role), [steps[-1].node])
            error.path = [*path]
            self.refused.append(error)

    def sees(self, type_: str, field: str) -> bool:
        """Whether this role may read a field that was not asked for, but that an answer may tell of.

        The plan then holds for the roles alone that may too, or that may not either.
        """
        allowed = self.catalog.permissions.allowed(type_, field)
        seen = self.role is None or self.role in allowed
        if self.role is not None:
            self.roles &= allowed if seen else ANYONE - allowed
        return seen

    def reach(self, entity: Entity) -> None:
        """Note that rows of this entity are read or asked about."""
        if entity.name == "Transaction":
            self.hidden.update(event for event, of in EVENTS.items() if not self.sees(*of))

    def require_at(self, type_: str, key: str, node: FieldNode) -> None:
        """Note that a field is used under this key, where the walk stands."""
        self.require(type_, node.name.value, Step(key, node))

    def refuse(self) -> None:
        """Raises Refused where anything was used that this role may not."""
        if self.refused:
            raise Refused(self.refused[:MAX_REFUSED])

    def look(self, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> None:
        """Walk through what graphql-core answers; rows beneath it are planned, and forgotten."""
        name = nodes[0].name.value
        self.require(type_.name, name, Step(key, nodes[0]))
        if name.startswith("__"):
            with self.at(key, nodes[0]):
                self._introspect(nodes)
            return
        below = get_named_type(type_.fields[name].type)
        if isinstance(below, GraphQLObjectType):
            with self.at(key, nodes[0]):
                if below.name in NODE_MODELS:
                    shape = self.shape(entity_named(below.name), nodes)
                    self.looked += value_of(cost_of_row(shape), self.values.items)
                    return
                for inner, merged in self.selections.below(below, nodes).items():
                    self.look(below, inner, merged)

    def _introspect(self, nodes: list[FieldNode]) -> None:
        cost = cost_of_introspection(self.selections, self.catalog.schema, nodes)
        self.looked += cost
        self.told += cost
        if self.told > MAX_INTROSPECTION:
            raise DocumentTooLarge(
                f"So much of the schema costs {self.told}; at most {MAX_INTROSPECTION} is told."
            )

    # ------------------------------------------------------------ roots

    def root(self, key: str, nodes: list[FieldNode]) -> RootValue:
        name = nodes[0].name.value
        query = self.catalog.schema.query_type
        assert query is not None
        if name == "__typename":
            return Typename(query.name)
        field = query.fields[name]
        self.require(query.name, name, Step(key, nodes[0]))
        with self.at(key, nodes[0]):
            given = get_argument_values(field, nodes[0], self.variables)
            if name == "node":
                return self._node(given["id"], nodes)
            if name == "nodes":
                return self._nodes(given["ids"], nodes)
            target = get_named_type(field.type)
            assert isinstance(target, GraphQLObjectType)
            if target.name in NODE_MODELS:
                entity = entity_named(target.name)
                return Lookup(self.arguments.keys(entity, given["by"]), self.shape(entity, nodes))
            if target.name in VIEW_MODELS:
                return Lookup((), self.shape(entity_named(target.name), nodes))
            return self._whole_table(query, field, nodes)

    def _node(self, global_id: str, nodes: list[FieldNode]) -> Lookup:
        name = self.values.pin("type", global_id, type_of_id)
        entity = entity_named(name)
        self.require(name, "id")
        key = self.values.add(global_id, key_of_id)
        return Lookup(((entity.key, key),), self.shape(entity, nodes, True))

    def _nodes(self, ids: list[str], nodes: list[FieldNode]) -> NodeList:
        names = self.values.pin("types", ids, self.catalog.types_of_ids)
        for name in names:
            self.require(name, "id")
        return NodeList(
            self.values.add(ids, lambda given: [type_of_id(item) for item in given]),
            self.values.add(ids, lambda given: [key_of_id(item) for item in given]),
            tuple(self.shape(entity_named(name), nodes, True) for name in names),
        )

    # ------------------------------------------------------------ rows

    def shape(self, entity: Entity, nodes: Sequence[FieldNode], abstract: bool = False) -> Shape:
        """The fields of one row; where its type is abstract, the completion needs its name."""
        self.reach(entity)
        type_ = self.catalog.type(entity.name)
        fields = [
            (key, self._row_value(entity, type_, key, merged))
            for key, merged in self.selections.below(type_, nodes).items()
        ]
        if abstract and self.rows:
            fields.append((TYPE_KEY, Typename(entity.name)))
        return Shape(entity.name, tuple(fields))

    def _row_value(
        self, entity: Entity, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]
    ) -> RowValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        self.require(type_.name, name, Step(key, nodes[0]))
        if name == "id":
            return GlobalId(entity.name)
        field = type_.fields[name]
        attribute = attribute_of(field)
        if attribute in LINEAGES:
            with self.at(key, nodes[0]):
                return self.lineages.lineage(entity, type_, field, nodes)
        if not entity.relates(attribute):
            return self._unrelated(type_, field, key, nodes)
        with self.at(key, nodes[0]):
            if not entity.relationship(attribute).uselist:
                return One(attribute, self.shape(entity.target(attribute), nodes))
            given = get_argument_values(field, nodes[0], self.variables)
            return self.page(entity.target(attribute), attribute, type_, field, given, nodes)

    def _unrelated(
        self, type_: GraphQLObjectType, field: GraphQLField, key: str, nodes: list[FieldNode]
    ) -> RowValue:
        """What stands in the row itself, or is no row's: a column, a function, a whole table."""
        target = get_named_type(field.type)
        if not isinstance(target, GraphQLObjectType):
            # What graphql-core completes is parsed: JSON stays text there, as PostgreSQL wrote it.
            as_text = self.rows and target.name == "JSON"
            return Column(attribute_of(field), is_enum_type(target), as_text)
        with self.at(key, nodes[0]):
            if target.name in VIEW_MODELS:
                return self._call(target, field, nodes)
            return self._whole_table(type_, field, nodes)

    def _call(self, target: GraphQLObjectType, field: GraphQLField, nodes: list[FieldNode]) -> Call:
        given = get_argument_values(field, nodes[0], self.variables)
        names = (argument.out_name or name for name, argument in field.args.items())
        arguments = tuple(self.values.add(given.get(name)) for name in names)
        return Call(arguments, self.shape(entity_named(target.name), nodes))

    # ------------------------------------------------------------ pages

    def _whole_table(
        self, parent: GraphQLObjectType, field: GraphQLField, nodes: list[FieldNode]
    ) -> Page:
        """A connection over all rows of a type, wherever it stands, or over findings."""
        connection = get_named_type(field.type)
        assert isinstance(connection, GraphQLObjectType)
        entity = entity_named(get_named_type(connection.fields["nodes"].type).name)
        given = get_argument_values(field, nodes[0], self.variables)
        return self.page(entity, None, parent, field, given, nodes)

    def page(
        self,
        entity: Entity,
        relationship: str | None,
        parent: GraphQLObjectType,
        field: GraphQLField,
        given: Mapping[str, Any],
        nodes: list[FieldNode],
    ) -> Page:
        """A connection field with its arguments."""
        self.reach(entity)
        arguments = read_page_arguments(dict(given))
        order = self.arguments.order(entity, given.get("orderBy"))
        terms = "".join(f"{'-' if term.descending else '+'}{term.column}" for term in order)
        scope = f"{parent.name}.{attribute_of(field)}{terms}"
        connection = get_named_type(field.type)
        assert isinstance(connection, GraphQLObjectType)
        page = Page(
            entity=entity.name,
            relationship=relationship,
            scope=scope,
            condition=self.arguments.shown(entity, given),
            order=order,
            limit=self._limit(arguments),
            backward=arguments.backward,
            after=self.arguments.position(entity, scope, order, arguments.after),
            before=self.arguments.position(entity, scope, order, arguments.before),
            fields=tuple(
                (key, self._page_value(entity, connection, key, merged))
                for key, merged in self.selections.below(connection, nodes).items()
            ),
        )
        if entity.name != FINDING:
            return page
        return findings_of(page, self.values.items, given.get("upstream"))

    def _limit(self, arguments: PageArguments) -> Param | int:
        """A size that the document states is part of the plan; one of a variable is bound."""
        if not isinstance(arguments.size, Traced):
            return arguments.size
        name = "last" if arguments.backward else "first"
        return self.values.add(arguments.size, lambda size: check_page_size(name, size))

    def _page_value(
        self, entity: Entity, connection: GraphQLObjectType, key: str, nodes: list[FieldNode]
    ) -> PageValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(connection.name)
        self.require(connection.name, name, Step(key, nodes[0]))
        if name == "totalCount":
            return TotalCount()
        with self.at(key, nodes[0]):
            if name == "nodes":
                return Nodes(self.shape(entity, nodes))
            part = get_named_type(connection.fields[name].type)
            assert is_object_type(part)
            if name == "pageInfo":
                return self.page_info(part, nodes)
            fields = self.selections.below(part, nodes).items()
            return Edges(tuple((k, self._edge_value(entity, part, k, n)) for k, n in fields))

    def page_info(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> PageInfo:
        fields = self.selections.below(type_, nodes).items()
        return PageInfo(tuple((k, self._page_fact(type_, k, n)) for k, n in fields))

    def _page_fact(self, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> PageFact:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        self.require(type_.name, name, Step(key, nodes[0]))
        # PageInfo has no other fields than the facts of a PageInfoField.
        return PageInfoField(attribute_of(type_.fields[name]))  # type: ignore[arg-type]

    def _edge_value(
        self, entity: Entity, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]
    ) -> EdgeValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        self.require(type_.name, name, Step(key, nodes[0]))
        if name == "cursor":
            return Cursor()
        if name == "node":
            with self.at(key, nodes[0]):
                return self.shape(entity, nodes)
        return EdgeColumn(attribute_of(type_.fields[name]))
