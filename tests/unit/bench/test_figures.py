from xml.etree import ElementTree

from bench.measure import Cell
from bench.plot import draw_plot
from bench.processes import Usage
from bench.queries import QUERY_NAMES, Keys
from bench.report import markdown_table
from bench.summary import medians, ratio

TITLES = {"project": "cacaotrace", "bare": "bare <statement>"}


def cell(peer: str, number: int, rate: float, query: str = "tiny") -> Cell:
    figures = dict.fromkeys(("p50_ms", "p99_ms", "bytes", "server_us", "postgres_us"), 1.0)
    host = dict.fromkeys(("load_us", "rss_mb", "busiest", "foreign", "stolen"), 0.0)
    return Cell(peer, query, 8, number, rate, **figures, **host, calibration_ms=35.0)


CELLS = [
    *(cell("project", number, rate) for number, rate in enumerate((100, 50, 300))),
    *(cell("bare", number, rate) for number, rate in enumerate((200, 100, 200))),
]


def test_medians_are_of_one_peer_query_and_number_of_clients() -> None:
    found = [(row.peer, row.query, row.clients, row.rate) for row in medians(CELLS)]
    assert found == [("project", "tiny", 8, 100), ("bare", "tiny", 8, 200)]


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    assert ratio(CELLS, "tiny", 8, "project", "bare") == 0.5
    assert ratio(CELLS, "tiny", 8, "bare", "project") == 2


def test_there_is_no_ratio_to_what_was_not_measured() -> None:
    assert ratio(CELLS, "page", 8, "project", "bare") is None
    assert ratio(CELLS, "tiny", 32, "project", "bare") is None
    assert ratio(CELLS, "tiny", 8, "project", "mercurius") is None


def test_the_table_names_every_peer_with_its_ratio() -> None:
    lines = markdown_table(CELLS, TITLES, {("project", "tiny"): 1.0}).splitlines()
    assert any(line.startswith("cacaotrace") and line.split()[4] == "1" for line in lines)
    assert any(line.startswith("bare") and line.endswith("0.50 x") for line in lines)


def test_the_plot_is_svg_with_one_bar_a_peer() -> None:
    root = ElementTree.fromstring(draw_plot(CELLS, TITLES, 8, "a note"))
    bars = root.findall("{http://www.w3.org/2000/svg}rect")
    # The first one is the background.
    assert len(bars) == 1 + 2


def test_every_peer_is_asked_for_the_same_keys() -> None:
    keys = Keys(1000, (3, 5, 7))
    for query in QUERY_NAMES:
        drawn = list(keys.drawn(query, "load", 500))
        assert drawn == list(keys.drawn(query, "load", 500))
        assert set(drawn) <= ({3, 5, 7} if query == "audit" else set(range(1, 1001)))
    assert max(keys.drawn("page", "load", 500)) <= 900


def test_the_busiest_worker_is_known_by_its_share() -> None:
    before = Usage(1.0, 0.0, 0.0, 0.0, {10: 0.5, 11: 0.5})
    after = Usage(3.0, 0.0, 0.0, 0.0, {10: 2.0, 11: 1.0})
    assert after.since(before).busiest() == 0.75
