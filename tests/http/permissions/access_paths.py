"""Access paths: documents that use a field, and the gates on the way to it."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)

from graph.auth.permissions import ALLOWED
from graph.auth.roles import ANYONE, NOBODY
from graph.pagination import write_global_id
from graph.schema import schema
from graph.types.node import NODE_MODELS, VIEW_MODELS

SCHEMA = schema._schema
OBJECTS = {
    name: type_
    for name, type_ in SCHEMA.type_map.items()
    if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
}


Key = tuple[str, str]
Path = tuple[str, ...]
# A field that a role may lack, and the path that the error names then.
Gate = tuple[Key, Path]


@dataclass(frozen=True)
class AccessPath:
    """A document that uses a field, and the gates on the way to it; the field's own is the last."""

    name: str
    document: str
    gates: tuple[Gate, ...]


def selected(type_: GraphQLObjectType, field: str) -> str:
    """Return the least selection of a field."""
    below = get_named_type(type_.fields[field].type)
    return field if is_leaf_type(below) else f"{field} {{ __typename }}"


def target_of(type_: str, field: str) -> tuple[str, Path]:
    """Return the type that a field leads to, through the nodes of a connection, and the fields of that step."""
    target = get_named_type(OBJECTS[type_].fields[field].type)
    if target.name.endswith("Connection") and target.name in OBJECTS:
        return get_named_type(OBJECTS[target.name].fields["nodes"].type).name, (field, "nodes")
    return target.name, (field,)


# Types that only a root field of accounts leads to, and whose rows are not filtered by these tests.
ACCOUNTS = ("User", "ApiKey", "Change")
# Node type -> the connection over its table at the root.
ROOTS = {
    node: field
    for field in OBJECTS["Query"].fields
    for node, step in [target_of("Query", field)]
    if len(step) == 2 and node in NODE_MODELS
}


def shortest_path(node: str) -> Path | None:
    """Return the shortest path from the root to a type, through open fields if there is one such path.

    It begins at another type's connection, unless no other type leads here.
    """
    own = ROOTS.get(node)
    for through in (ANYONE, NOBODY):
        queue: list[tuple[str, Path]] = [("Query", ())]
        seen = {"Query"}
        for type_, path in queue:
            for field in OBJECTS[type_].fields:
                if type_ == "Query" and field not in {"ledger", *ROOTS.values()} - {own}:
                    continue
                target, step = target_of(type_, field)
                if target == node:
                    return (*path, *step)
                known = target in NODE_MODELS or target in VIEW_MODELS
                if known and target not in seen and ALLOWED[type_, field] >= through:
                    seen.add(target)
                    queue.append((target, (*path, *step)))
    return (own, "nodes") if own else None


# A selection path to each type.
SELECTION_PATHS = {
    name: path
    for name in NODE_MODELS
    if name not in ACCOUNTS and (path := shortest_path(name)) is not None
}


def document_of(path: Path, selection: str) -> str:
    return "{ " + " { ".join((*path, selection)) + " }" * (len(path) + 1)


def gates_of(path: Path) -> tuple[Gate, ...]:
    """Each field along a path from the root."""
    gates, type_ = [], "Query"
    for length, name in enumerate(path, start=1):
        gates.append(((type_, name), path[:length]))
        type_ = str(get_named_type(OBJECTS[type_].fields[name].type))
        if type_ not in OBJECTS:
            break
    return tuple(gates)


def access_paths_of(name: str, field: str) -> Iterator[AccessPath]:
    """Every access path to a field of a node type by a selection."""
    yield from by_id(name, field)
    inner = selected(OBJECTS[name], field)
    if name in SELECTION_PATHS:
        path = SELECTION_PATHS[name]
        yield AccessPath("nested", document_of(path, inner), gates_of((*path, field)))
    if name in ROOTS and name in SELECTION_PATHS:
        edges = (ROOTS[name], "edges", "node")
        yield AccessPath("edges", document_of(edges, inner), gates_of((*edges, field)))
    yield from arguments(name, field)


def by_id(name: str, field: str) -> Iterator[AccessPath]:
    """Every access path from a global id, with the gate of the id itself."""
    inner, key = selected(OBJECTS[name], field), write_global_id(name, 1)
    one, many = f'node(id: "{key}")', f'nodes(ids: ["{key}"])'
    on = f"{{ ... on {name} {{ {inner} }} }}"
    documents: dict[str, tuple[str, Path]] = {
        "node": (f"{{ {one} {on} }}", ("node", field)),
        "nodes": (f"{{ {many} {on} }}", ("nodes", field)),
        "alias": (f"{{ n: {one} {{ ... on {name} {{ a: {inner} }} }} }}", ("n", "a")),
        "fragment": (f"{{ {one} {{ ...F }} }} fragment F on {name} {{ {inner} }}", ("node", field)),
        "completed": (f"{{ viewer {{ role }} {one} {on} }}", ("node", field)),
        "directive": (
            f"query($yes: Boolean = true) {{ {one} {{ ... @include(if: $yes) {on} }} }}",
            ("node", field),
        ),
    }
    if field == "id":
        documents["type"] = (f"{{ {one} {{ __typename }} }}", ("node",))
        documents["nothing"] = (f"{{ {many} {{ id @skip(if: true) }} }}", ("nodes",))
    for kind, (document, path) in documents.items():
        yield AccessPath(kind, document, (((name, "id"), path[:1]), ((name, field), path)))


def arguments(name: str, field: str) -> Iterator[AccessPath]:
    """Every access path to a field by an argument."""
    filters = SCHEMA.type_map[f"{name}Filter"]
    assert isinstance(filters, GraphQLInputObjectType)
    if name not in ROOTS or name in ACCOUNTS:
        return
    root = ROOTS[name]
    gates = (*gates_of((root,)), ((name, field), (root,)))
    if field in filters.fields:
        compared = get_named_type(filters.fields[field].type)
        assert isinstance(compared, GraphQLInputObjectType)
        member = "in: []" if "in" in compared.fields else "some: {}" * ("some" in compared.fields)
        given = f"{{{field}: {{{member}}}}}"
        for kind, filtered in (
            ("filter", given),
            ("filter under not", f"{{not: {given}}}"),
            ("filter under or", f"{{or: [{given}]}}"),
        ):
            yield AccessPath(kind, f"{{ {root}(filter: {filtered}) {{ totalCount }} }}", gates)
    if name == "Supplier" and field in filters.fields:
        across = f"{{ cacaoBatches(filter: {{supplier: {given}}}) {{ totalCount }} }}"
        yield AccessPath("filter across a relation", across, (((name, field), ("cacaoBatches",)),))
    for value in orders(name, field):
        ordered = f"{root}(orderBy: [{{field: {value}, direction: ASC}}])"
        yield AccessPath("order", f"{{ {ordered} {{ nodes {{ id }} }} }}", gates)


def orders(name: str, field: str) -> list[str]:
    values = SCHEMA.type_map[f"{name}OrderField"]
    assert isinstance(values, GraphQLEnumType)
    return [value for value in values.values if value.replace("_", "").lower() == field.lower()]
