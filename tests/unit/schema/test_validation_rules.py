"""A rule that is left out reports no error for the document."""

import pytest
from graphql import parse, specified_rules, validate

from graph.admission.limits import Limits
from graph.documents import InvalidDocument, read_document, rules_of
from graph.schema import schema

PLAIN = [
    "{ products(first: 1) { nodes { name } } }",
    "query ($id: Int!) { product(by: {productId: $id}) { a: name a: gtin } }",
    "query ($id: Int, $id: Nothing) { product { nothing } supplier(by: {id: 1, id: $none}) }",
    "{ products } { products { totalCount { x } } } query a { __typename } query a { __typename }",
    "subscription { a } mutation { b } type T { c: Int }",
]


@pytest.mark.parametrize("text", PLAIN)
def test_skipped_rules_report_nothing(text: str) -> None:
    node = parse(text)
    others = [rule for rule in specified_rules if rule not in rules_of(text)]
    assert others
    assert validate(schema._schema, node, others) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ product { ...a } }", "Unknown fragment 'a'."),
        ("{ product { ... on Nothing { id } } }", "Unknown type 'Nothing'."),
        ("{ __typename } fragment a on Product { name }", "Fragment 'a' is never used."),
        ("{ __typename @nothing }", "Unknown directive '@nothing'."),
        ("{ __typename @skip(if: true) @skip(if: true) }", "The directive '@skip' can only be"),
    ],
)
def test_rules_for_the_parts_of_a_document_run(text: str, message: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_document(schema._schema, text, Limits())
    assert any(error.message.startswith(message) for error in refused.value.errors)


def test_only_rules_of_fragments_and_directives_are_left_out() -> None:
    applied = rules_of("{ a }")
    left_out = {rule.__name__ for rule in specified_rules if rule not in applied}
    assert left_out == {
        "DeferStreamDirectiveLabel",
        "DeferStreamDirectiveOnRootField",
        "DeferStreamDirectiveOnValidOperationsRule",
        "FragmentsOnCompositeTypesRule",
        "KnownDirectivesRule",
        "KnownFragmentNamesRule",
        "NoFragmentCyclesRule",
        "NoUnusedFragmentsRule",
        "PossibleFragmentSpreadsRule",
        "StreamDirectiveOnListField",
        "UniqueDirectivesPerLocationRule",
        "UniqueFragmentNamesRule",
    }
