"""The drawing of a trace: well-formed, escaped, with kilograms and holds by role only."""

from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from graph.drawing.svg import BOX_WIDTH, HELD, HELD_FILL, Arrow, Box, draw_svg, place
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import local
from tests.requests import ask, global_id

SVG = "{http://www.w3.org/2000/svg}"
PRODUCT, BEANS = global_id("Product", 1), global_id("CacaoBatch", 1)


def drawn(client: TestClient, path: str) -> ElementTree.Element:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    return ElementTree.fromstring(answer.text)


def texts(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def test_drawing_shows_each_lot_and_the_kilograms_between_them(reader: TestClient) -> None:
    root = drawn(reader, f"/trace/{PRODUCT}.svg")
    links = [link.attrib["href"] for link in root.iter(f"{SVG}a")]
    lots = [global_id("CacaoBatch", number) for number in (1, 4, 3, 2)]
    assert links == [f"/trace/{one}" for one in (PRODUCT, *lots)]
    shown = texts(root)
    assert shown[0] == "Noir Café 70%: 4 lots"
    kilograms = {"50.5 kg", "100 kg", "650 kg", "700 kg", "400.125 kg"}
    assert kilograms <= set(shown)
    assert {"B1", "liquor · 800 kg", "Kuapa Kokoo, GH", "product, batch L1", "Bonnat"} <= set(shown)


def test_drawing_goes_forward_from_a_batch(reader: TestClient) -> None:
    root = drawn(reader, f"/trace/{BEANS}.svg?direction=forward")
    links = [link.attrib["href"] for link in root.iter(f"{SVG}a")]
    assert f"/trace/{PRODUCT}" in links
    assert len(links) == 5


def held(root: ElementTree.Element) -> list[str]:
    """Return the links of the red boxes, each labelled as on hold."""
    red = []
    for link in root.iter(f"{SVG}a"):
        box, title = link.find(f"{SVG}rect"), link.find(f"{SVG}title")
        assert box is not None
        assert title is not None
        shown = box.attrib["fill"] == HELD_FILL and box.attrib["stroke"] == HELD
        assert shown == ("on hold" in [text.text for text in link.iter(f"{SVG}text")])
        assert shown == (title.text or "").endswith(" · on hold")
        if shown:
            red.append(link.attrib["href"].removeprefix("/trace/"))
    return red


def test_what_is_held_is_red_for_who_may_know(
    writable_client: TestClient, own_world: Database
) -> None:
    path = f"/trace/{PRODUCT}.svg"
    assert held(drawn(writable_client, path)) == []
    hold = """mutation { holdBatch(input: {cacaoBatchId: "3", reason: "x"}) { userErrors { code } } }"""
    assert ask(writable_client, hold) == {"holdBatch": {"userErrors": []}}
    reached = [PRODUCT, global_id("CacaoBatch", 4), global_id("CacaoBatch", 3)]
    assert held(drawn(writable_client, path)) == reached
    assert held(drawn(writable_client, f"/trace/{BEANS}.svg")) == []
    with local(create_app(Settings(dev_role="public"), own_world)) as client:
        assert held(drawn(client, path)) == []
    release = hold.replace("holdBatch", "releaseBatch")
    assert ask(writable_client, release) == {"releaseBatch": {"userErrors": []}}
    assert held(drawn(writable_client, path)) == []


def test_public_sees_no_kilograms(world_to_read: Database) -> None:
    with local(create_app(Settings(dev_role="public"), world_to_read)) as client:
        shown = texts(drawn(client, f"/trace/{PRODUCT}.svg"))
    assert [text for text in shown if "kg" in text] == []
    assert "liquor" in shown


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{global_id('Product', 99)}.svg", 404),
        (f"{global_id('Supplier', 1)}.svg", 400),
        ("nonsense.svg", 400),
        (f"{PRODUCT}.svg?direction=up", 400),
    ],
)
def test_what_has_no_trace_is_refused(reader: TestClient, path: str, status: int) -> None:
    assert reader.get(f"/trace/{path}").status_code == status


def test_texts_of_the_data_are_escaped(writable_client: TestClient, own_world: Database) -> None:
    name = "<script>alert(1)</script>&\x01\"'"
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE products SET name = %s WHERE product_id = 1", (name,))
    answer = writable_client.get(f"/trace/{PRODUCT}.svg")
    assert "<script" not in answer.text
    root = ElementTree.fromstring(answer.text)
    assert texts(root)[0] == "<script>alert(1)</script>& \"': 4 lots"


def test_boxes_stand_behind_what_they_took_and_not_on_each_other() -> None:
    boxes = [Box(key, "BEANS", (key,), "") for key in "abcd"]
    arrows = [Arrow("a", "b", None), Arrow("b", "c", None), Arrow("a", "d", None)]
    places = place(boxes, arrows).corners
    assert places["a"][0] < places["b"][0] < places["c"][0]
    assert places["b"][0] == places["d"][0]
    assert len(set(places.values())) == 4
    # A circle, which only corrupt data has, is drawn too.
    assert len(place(boxes, [*arrows, Arrow("c", "a", None)]).corners) == 4
    assert draw_svg("nothing", [], []).endswith("</svg>")


def test_arrow_passes_no_box_on_its_way() -> None:
    boxes = [Box(key, "BEANS", (key,), "") for key in "abcd"]
    chain = [Arrow("a", "b", None), Arrow("b", "c", None), Arrow("c", "d", None)]
    layout = place(boxes, [*chain, Arrow("a", "d", "5")])
    corners = layout.corners
    passed = layout.passes["a", "d"]
    assert [x for x, _ in passed] == [corners["b"][0], corners["c"][0]]
    assert {corners["b"], corners["c"]}.isdisjoint(passed)
    (path,) = (
        line
        for line in draw_svg("t", boxes, [*chain, Arrow("a", "d", "5")]).split("\n")
        if line.startswith("<path") and line.count("H") == 2
    )
    assert f"H{passed[0][0] + BOX_WIDTH}" in path


def test_page_has_a_strict_policy_and_loads_nothing_from_elsewhere(reader: TestClient) -> None:
    page = reader.get(f"/trace/{PRODUCT}")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in page.text
    for file in ("page.js", "page.css"):
        assert reader.get(f"/trace/static/{file}").status_code == 200
