"""The page of a trace in a browser, offline: the drawing, and no error in the console."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Cluster, start_serving
from tests.requests import global_id


@pytest.fixture(scope="module")
def url(cluster: Cluster, sample_template: str) -> Iterator[str]:
    serving = start_serving(DATABASE_URL=cluster.create(sample_template), DEV_ROLE="viewer")
    yield f"{serving.url}/trace"
    serving.stop()


def test_page_shows_the_trace_of_a_bar(url: str, page: Page, complaints: list[str]) -> None:
    page.goto(f"{url}/{global_id('Product', 1)}")
    expect(page.locator("main svg a")).not_to_have_count(0)
    assert page.title().startswith("Noir Fleur de Sel 72%")
    expect(page.locator("#forward")).to_be_hidden()
    expect(page.locator("main svg")).to_contain_text(" kg")
    assert complaints == []


def test_page_of_a_lot_goes_forward_and_shows_the_lot(
    url: str, page: Page, complaints: list[str]
) -> None:
    page.set_viewport_size({"width": 800, "height": 500})
    page.goto(f"{url}/{global_id('CacaoBatch', 1)}")
    expect(page.locator("main svg a")).to_have_count(1)
    page.locator("#forward").click()
    subject = page.locator("main svg [aria-current]")
    expect(subject).to_have_count(1)
    expect(page.locator("main svg a").nth(10)).to_be_attached()
    # The drawing is higher than the window, and the lot stands half way down.
    assert page.evaluate("document.documentElement.scrollHeight > 2 * innerHeight")
    expect(subject).to_be_in_viewport(ratio=1)
    assert complaints == []


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (global_id("CacaoBatch", 999_999), "there is no such product or cacao batch"),
        (global_id("Supplier", 1), "only a product or a cacao batch has a trace"),
        ("1", "not a global id"),
        ("hello", "not a global id"),
        ("%E2%82%AC", "not a global id"),
        ("%zz", "not a global id"),
    ],
)
def test_page_says_what_is_wrong_with_its_address(
    url: str, page: Page, subject: str, message: str
) -> None:
    page.goto(f"{url}/{subject}")
    expect(page.locator("#status")).to_contain_text(message)
    expect(page.locator("main svg")).to_have_count(0)
