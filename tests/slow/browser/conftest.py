"""The machine's Chromium under Playwright: one browser a module, one empty profile a test.

Resolves no host but this one, and skips the test where there is no Chromium.
"""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect, sync_playwright

# Milliseconds. Playwright waits for what a test asserts and gives up after this: a busy machine is
# slow, and only a test that fails waits for so long.
TIMEOUTS = 60_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

expect.set_options(timeout=TIMEOUTS)


# pytest-playwright starts Playwright once a session, and its event loop then counts as running in
# the main thread, where other tests call asyncio.run(). Here it ends with the module.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on the PATH")
    started: Playwright = request.getfixturevalue("playwright")
    browser = started.chromium.launch(executable_path=found, args=ARGUMENTS, timeout=TIMEOUTS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def browser_context_args() -> dict[str, Any]:
    return {}


@pytest.fixture
def page(page: Page) -> Page:
    page.set_default_timeout(TIMEOUTS)
    return page


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """Provide the errors and warnings that the page writes to its console, and the exceptions it raises."""
    found: list[str] = []
    page.on(
        "console",
        lambda line: found.append(line.text) if line.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def held_editors(page: Page) -> Callable[[], None]:
    """Keep GraphiQL's editors from loading until the function that it returns is called."""
    held: list[Route] = []
    page.route("**/monaco-editor-*.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright cannot take a builtin

    def release() -> None:
        while held:
            held.pop().continue_()

    return release
