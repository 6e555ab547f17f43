"""Selected fields of a row -> a shape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_enum_type,
)

from graph.planner.catalog import attribute_of
from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    TYPE_KEY,
    Call,
    Column,
    GlobalId,
    One,
    Page,
    RowValue,
    Shape,
    Step,
    Typename,
)
from graph.planner.selection import MergedNodes
from graph.planner.walk.pages import PagePlanner
from graph.planner.walk.state import Walk
from graph.types.node import VIEW_MODELS


@dataclass(frozen=True, slots=True)
class SelectedField:
    """A selected field of a row, or of the root, whose entity is None."""

    entity: Entity | None
    parent: GraphQLObjectType
    definition: GraphQLField
    nodes: MergedNodes

    @property
    def type(self) -> GraphQLObjectType:
        """The object type of the field's value, without list and non-null."""
        named = get_named_type(self.definition.type)
        assert isinstance(named, GraphQLObjectType)
        return named


StepPlanner: TypeAlias = Callable[["RowPlanner", SelectedField], Step]
StepPlanners: TypeAlias = Mapping[str, StepPlanner]
"""The functions that plan computed fields, by the GraphQL type of the field."""


class RowPlanner:
    """Plans rows: columns, relationships, functions, pages and steps."""

    def __init__(self, walk: Walk, steps: StepPlanners) -> None:
        self.walk = walk
        self.pages = PagePlanner(walk, self.shape)
        self._steps = steps

    def shape(self, entity: Entity, nodes: Sequence[FieldNode], *, abstract: bool = False) -> Shape:
        """Plan the fields of one row.

        `abstract`: the field's type is an interface, so that graphql-core needs the type name.
        """
        walk = self.walk
        walk.authorizer.reach(entity)
        type_ = walk.catalog.type(entity.name)
        fields = [
            (key, self._value(entity, type_, key, merged))
            for key, merged in walk.selections.below(type_, nodes).items()
        ]
        if abstract and walk.completed:
            fields.append((TYPE_KEY, Typename(entity.name)))
        return Shape(entity.name, tuple(fields))

    def _value(
        self, entity: Entity, type_: GraphQLObjectType, key: str, nodes: MergedNodes
    ) -> RowValue:
        walk, name = self.walk, nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        walk.authorizer.require_selected(type_.name, key, nodes[0])
        if name == "id":
            return GlobalId(entity.name)
        field = type_.fields[name]
        attribute = attribute_of(field)
        if not entity.relates(attribute):
            return self._unrelated(SelectedField(entity, type_, field, nodes), attribute, key)
        with walk.path.at(key, nodes[0]):
            if not entity.relationship(attribute).uselist:
                return One(attribute, self.shape(entity.target(attribute), nodes))
            arguments = walk.arguments(field, nodes[0])
            target = entity.target(attribute)
            return self.pages.page(target, attribute, type_, field, arguments, nodes)

    def _unrelated(self, field: SelectedField, attribute: str, key: str) -> RowValue:
        """Plan a field that is no relationship: a column, a step, a function or a whole table."""
        target = get_named_type(field.definition.type)
        if not isinstance(target, GraphQLObjectType):
            # graphql-core's data is parsed JSON; a JSON column stays the text that PostgreSQL wrote.
            as_text = self.walk.completed and target.name == "JSON"
            return Column(attribute, is_enum_type(target), as_text)
        with self.walk.path.at(key, field.nodes[0]):
            step = self.step(field, target)
            if step is not None:
                return step
            if target.name in VIEW_MODELS:
                return self._call(target, field)
            return self.whole_table(field)

    def step(self, field: SelectedField, target: GraphQLObjectType) -> Step | None:
        """Plan a computed field; None if its type is not that of a step."""
        plan = self._steps.get(target.name)
        return plan(self, field) if plan else None

    def _call(self, target: GraphQLObjectType, field: SelectedField) -> Call:
        arguments = self.walk.arguments(field.definition, field.nodes[0])
        values = (
            arguments.get(argument.out_name or name)
            for name, argument in field.definition.args.items()
        )
        parameters = tuple(self.walk.parameters.add(value) for value in values)
        return Call(parameters, self.shape(entity_named(target.name), field.nodes))

    def whole_table(self, field: SelectedField) -> Page:
        """Plan a connection over all rows of a node type."""
        entity = entity_named(get_named_type(field.type.fields["nodes"].type).name)
        arguments: dict[str, Any] = self.walk.arguments(field.definition, field.nodes[0])
        return self.pages.page(entity, None, field.parent, field.definition, arguments, field.nodes)
