import json

import pytest

from bench.answers import unwrapped
from bench.queries import LISTS, POSTGRAPHILE, PROJECT, Cursors, request_body

OURS = {
    "product": {
        "name": "Noir",
        "cacaoBatches": {"nodes": [{"quantityKg": "12.500", "supplier": {"name": "Kuapa"}}]},
        "transactions": {
            "nodes": [{"timestamp": "2026-01-02T03:04:05+00:00", "details": {"kg": 1}}]
        },
    }
}
POSTGRAPHILES = {
    "product": {
        "name": "Noir",
        "cacaoBatches": [{"cacaoBatch": {"quantityKg": "12.500", "supplier": {"name": "Kuapa"}}}],
        "transactions": [{"timestamp": "2026-01-02T03:04:05.000000+00:00", "details": {"kg": 1}}],
    }
}


def answer(data: object) -> bytes:
    return json.dumps({"data": data}).encode()


def test_the_same_data_compares_equal_across_dialects() -> None:
    assert unwrapped(answer(OURS)) == unwrapped(answer(POSTGRAPHILES))


@pytest.mark.parametrize(
    ("old", "new"),
    [("12.500", "12.501"), ("03:04:05", "03:04:06"), ("Kuapa", "kuapa"), ('"kg": 1', '"kg": 2')],
)
def test_other_data_does_not(old: str, new: str) -> None:
    other = answer(OURS).decode().replace(old, new)
    assert other != answer(OURS).decode()
    assert unwrapped(other.encode()) != unwrapped(answer(POSTGRAPHILES))


def test_the_order_of_a_list_is_data() -> None:
    one = answer({"products": {"nodes": [{"name": "a"}, {"name": "b"}]}})
    other = answer({"products": {"nodes": [{"name": "b"}, {"name": "a"}]}})
    assert unwrapped(one) != unwrapped(other)


def test_cursors_compare_by_the_key_they_lead_to() -> None:
    ours = Cursors(("Query.products+product_id",)).write(51)
    info = [{"endCursor": cursor, "hasNextPage": True} for cursor in (ours, "51")]
    first, second = (answer({"products": {"nodes": [], "pageInfo": i}}) for i in info)
    assert unwrapped(first) == unwrapped(second)


@pytest.mark.parametrize("content", [b'{"errors": [], "data": {}}', b"[]", b'{"message": "no"}'])
def test_what_is_no_answer_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        unwrapped(content)


def test_a_cursor_is_written_as_its_server_wrote_one() -> None:
    cursors = Cursors(("Query.products+product_id",))
    assert Cursors.learned(cursors.write(7)) == cursors


def test_a_page_begins_behind_a_key_in_each_dialect() -> None:
    cursors = Cursors(("natural", "abc"))
    for dialect, after in (
        (PROJECT, cursors.write(7)),
        (POSTGRAPHILE, cursors.write(7)),
        (LISTS, 7),
    ):
        body = json.loads(request_body(dialect, cursors, "page", 7))
        assert body == {"query": dialect.texts["page"], "variables": {"after": after}}
