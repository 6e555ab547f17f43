"""Random valid documents over the schema, drawn from a seed and the rows at hand."""

import random
import re
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLSchema, OverlappingFieldsCanBeMergedRule, parse, print_ast, validate

from tests.http.oracle.documents_literals import Literals
from tests.http.oracle.documents_scope import Level, Scope
from tests.http.oracle.documents_selections import Fragment, Selections
from tests.http.oracle.documents_values import Values
from tests.http.oracle.oracle_pages import Cursors
from tests.http.oracle.oracle_rows import Rows


@dataclass(frozen=True)
class Document:
    """A request for the server and the oracle."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None

    def body(self) -> dict[str, Any]:
        return {
            "query": self.query,
            "variables": self.variables,
            "operationName": self.operation_name,
        }

    def __str__(self) -> str:
        return f"{print_ast(parse(self.query))}\nvariables: {self.variables}"


def draw_document(
    rng: random.Random, schema: GraphQLSchema, rows: Rows, cursors: Cursors
) -> Document:
    """Draw the next valid document; a candidate is invalid if fields of its fragments conflict."""
    while True:
        document = draw_candidate(rng, schema, rows, cursors)
        if not validate(schema, parse(document.query), [OverlappingFieldsCanBeMergedRule]):
            return document


def draw_candidate(
    rng: random.Random, schema: GraphQLSchema, rows: Rows, cursors: Cursors
) -> Document:
    values = Values(rng, rows)
    literals = Literals(values, variable_chance=rng.choice((0, 0.1, 0.1, 0.3, 0.6)))
    selections = Selections(schema, values, literals, cursors, fields=rng.randint(3, 60))
    assert schema.query_type is not None
    level = Level(depth=rng.randint(1, 6), rows=1)
    count = rng.choice((1, 1, 1, 2, 2, 3, 5, 10))
    body = selections.write(schema.query_type, Scope(), level, count)
    fragments = used_fragments(body, selections.fragments)
    text = " ".join([body, *(f"fragment {one.name} on {one.on} {one.body}" for one in fragments)])
    return assemble(rng, text, literals)


def assemble(rng: random.Random, text: str, literals: Literals) -> Document:
    """Put the operation before the text, with declarations of the variables that the text uses."""
    used = [name for name in literals.declared if re.search(rf"\${name}\b", text)]
    declared = ", ".join(f"${name}: {literals.declared[name]}" for name in used)
    variables = {name: literals.variables[name] for name in used if name in literals.variables}
    if not declared and rng.random() < 0.5:
        return Document(text, variables, None)
    head = f"query Main({declared}) " if declared else "query Main "
    if rng.random() < 0.1:
        return Document(f"query Other {{ __typename }} {head}{text}", variables, "Main")
    return Document(head + text, variables, rng.choice((None, "Main")))


def used_fragments(text: str, fragments: list[Fragment]) -> list[Fragment]:
    """Return the fragments that this text or other fragments spread; later ones may spread earlier ones."""
    used: list[Fragment] = []
    for fragment in reversed(fragments):
        if re.search(rf"\.\.\.{fragment.name}\b", text):
            used.append(fragment)
            text += fragment.body
    return used
