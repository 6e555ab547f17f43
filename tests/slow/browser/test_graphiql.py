"""The GraphiQL page: it loads nothing from another host, and it works in a real browser.

Refuses to install anything: without a built web/dist or without Chromium it skips.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page as Browsed
from playwright.sync_api import expect
from starlette.testclient import TestClient

WEB = Path(__file__).parents[3] / "web"
DIST = WEB / "dist"
TABS = WEB / "src" / "tabs"
COLOURS = """new Set([...document.querySelectorAll('[class*=mtk]')].flatMap(found =>
  [...found.classList].filter(name => /^mtk\\d+$/.test(name)))).size"""
TITLES = ["From bar to bean", "Audit a batch", "Search", "Write"]

needs_dist = pytest.mark.skipif(
    not (DIST / "graphiql.html").exists(),
    reason="web/dist is not built: run `npm ci && npm run build` in web/",
)

# What makes a browser fetch, in a script or a stylesheet, followed by another host.
LOADS_IN_SCRIPT = re.compile(
    r"""(?:\bfrom|\bimport|\bimport\(|\bimportScripts\(|Worker\(|\bfetch\(|\.src=|\.href=)"""
    r"""\s*["'`](?:https?:|wss?:)?//[^"'`]{0,80}"""
)
LOADS_IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^"')]{0,80}""")


@dataclass
class Page(HTMLParser):
    """The addresses that a page loads, and its inline scripts."""

    loads: list[str] = field(default_factory=list)
    inline_scripts: list[str] = field(default_factory=list)
    inside: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag != "a":
            self.loads += [found[name] for name in ("src", "href") if name in found]
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside == "script" and data.strip():
            self.inline_scripts.append(data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the base class's signature
        self.inside = ""


def read_page(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page


def find_foreign_loads(folder: Path) -> list[str]:
    patterns = {".js": LOADS_IN_SCRIPT, ".jsx": LOADS_IN_SCRIPT, ".css": LOADS_IN_STYLE}
    return [
        f"{path.name}: {match}"
        for path in sorted(folder.rglob("*"))
        if path.suffix in patterns
        for match in patterns[path.suffix].findall(path.read_text())
    ]


def run_tab(server: str, title: str) -> dict[str, object]:
    stem = title.lower().replace(" ", "-")
    variables = TABS / f"{stem}.variables.json"
    body = {
        "query": (TABS / f"{stem}.graphql").read_text(),
        "variables": json.loads(variables.read_text()) if variables.exists() else None,
    }
    headers = {"content-type": "application/json", "accept": "application/json"}
    request = Request(f"{server}/graphql", json.dumps(body).encode(), headers)
    with urlopen(request, timeout=30) as response:
        answer: dict[str, object] = json.load(response)
    return answer


def test_source_loads_nothing_from_another_host() -> None:
    page = read_page((WEB / "src" / "graphiql.html").read_text())
    assert [address for address in page.loads if "//" in address] == []
    assert find_foreign_loads(WEB / "src") == []


@needs_dist
def test_built_page_loads_only_its_own_assets() -> None:
    page = read_page((DIST / "graphiql.html").read_text())
    assert page.inline_scripts == []
    assert page.loads != []
    for address in page.loads:
        assert address.startswith("/static/assets/")
        assert (DIST / address.removeprefix("/static/")).is_file()


@needs_dist
def test_built_assets_load_nothing_from_another_host() -> None:
    assert find_foreign_loads(DIST) == []


@needs_dist
@pytest.mark.parametrize("worker", ["editor", "graphql", "json"])
def test_workers_are_bundled(worker: str) -> None:
    assert len(list((DIST / "assets").glob(f"{worker}.worker-*.js"))) == 1


def test_lock_file_names_no_download_address() -> None:
    assert "://" not in (WEB / "package-lock.json").read_text()


@needs_dist
def test_browser_shows_the_tabs_and_runs_the_first(live_server_url: str, page: Browsed) -> None:
    page.goto(f"{live_server_url}/graphql?run=1")
    expect(page.locator(".graphiql-response")).to_contain_text('"data"')
    # Monaco gives each colour a class, mtk1 being plain text: more of them means that
    # the document was really tokenised.
    page.wait_for_function(f"() => {COLOURS} > 3")
    expect(page.locator(".graphiql-tab-button")).to_have_text(TITLES)
    expect(page.locator(".graphiql-response")).not_to_contain_text('"errors"')


@needs_dist
def test_link_runs_no_mutation_of_a_tab_chosen_meanwhile(
    live_server_url: str, page: Browsed, held_editors: Callable[[], None]
) -> None:
    page.goto(f"{live_server_url}/graphql?run=1")
    page.get_by_role("tab", name="Write").click()
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.post_data or ""))
    held_editors()
    expect(page.locator(".graphiql-query-editor")).to_contain_text("createSupplier")
    # The editor's text has been coloured: what waits for the editors has run.
    page.wait_for_function(f"() => {COLOURS} > 3")
    assert [body for body in posted if "mutation" in body] == []


@pytest.mark.parametrize("title", TITLES[:3])
def test_reading_tabs_find_sample_data(live_server_url: str, title: str) -> None:
    answer = run_tab(live_server_url, title)
    assert "errors" not in answer
    assert isinstance(answer["data"], dict)
    assert None not in answer["data"].values()


def test_writing_tab_writes(writer: TestClient) -> None:
    query = (TABS / "write.graphql").read_text(encoding="utf-8")
    payload = writer.post("/graphql", json={"query": query}).json()["data"]["createSupplier"]
    assert payload["userErrors"] == []
    assert payload["supplier"]["supplierId"] > 0
