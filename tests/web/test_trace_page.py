"""The page of a trace in a real browser, offline: it shows the drawing, and nothing complains."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.asking import global_id
from tests.conftest import Cluster, start_serving
from tests.web.chromium import Page, browsing

BOXES = "document.querySelectorAll('main svg a').length"
# The page may be asked before it has been read.
STATUS = "(document.getElementById('status')?.textContent ?? '')"


@pytest.fixture(scope="module")
def url(cluster: Cluster, sample_template: str) -> Iterator[str]:
    serving = start_serving(DATABASE_URL=cluster.create(sample_template), DEV_ROLE="viewer")
    yield f"{serving.url}/trace"
    serving.stop()


def test_page_shows_the_trace_of_a_bar(url: str, tmp_path: Path) -> None:
    with browsing(tmp_path) as page:
        page.open(f"{url}/{global_id('Product', 1)}")
        page.wait_for(f"{BOXES} > 1")
        assert page.evaluate("document.title").startswith("Noir Fleur de Sel 72%")
        assert page.evaluate("document.getElementById('forward').hidden") is True
        assert " kg" in page.evaluate("document.querySelector('main svg').textContent")
        assert page.console == []
        picture = page._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
    (tmp_path / "trace.png").write_bytes(base64.b64decode(picture["data"]))
    assert (tmp_path / "trace.png").stat().st_size > 10_000


def test_page_of_a_lot_goes_forward_and_says_what_is_wrong(url: str, tmp_path: Path) -> None:
    with browsing(tmp_path) as page:
        page.open(f"{url}/{global_id('CacaoBatch', 1)}")
        page.wait_for(f"{BOXES} === 1")
        page.click("#forward")
        page.wait_for(f"{BOXES} > 10")
        assert page.console == []
        page.open(f"{url}/{global_id('CacaoBatch', 999_999)}")
        page.wait_for(f"{STATUS}.startsWith('there is no such')")
