"""The sign-in of the GraphiQL page, in a real browser: who asks, and where the token is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.account import create_user
from tests.conftest import Cluster, opened, start_serving
from tests.web.chromium import Page, browsing
from tests.web.test_graphiql import needs_dist

NAME, PASSWORD = "ana", "correct horse battery"
VIEWER = "document.querySelector('.sign-in-viewer')?.textContent"
TOKEN = "sessionStorage.getItem('cacaotrace:token')"
# Everything that outlives the tab or leaves it.
KEPT = "JSON.stringify([location.href, document.cookie, {...localStorage}, history.state])"
# GraphiQL stores which tab is open once it has read what stands in it.
OPEN_TAB = "JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}').activeTabIndex"
RUN = "document.querySelector('.graphiql-execute-button').click()"
RESPONSE = "document.querySelector('.graphiql-response')?.textContent ?? ''"

pytestmark = needs_dist


@pytest.fixture(scope="module")
def url(cluster: Cluster, sample_template: str) -> Iterator[str]:
    """The page of a server with one user, where nobody else may write."""
    database_url = cluster.create(sample_template)
    with opened(database_url) as database, database.session("test") as session:
        create_user(session, NAME, PASSWORD, "operator")
        session.commit()
    serving = start_serving(DATABASE_URL=database_url, DEV_ROLE="viewer")
    yield f"{serving.url}/graphql"
    serving.stop()


@pytest.fixture
def page(url: str, tmp_path: Path) -> Iterator[Page]:
    with browsing(tmp_path) as page:
        page.open(url)
        page.wait_for(f"{VIEWER} === 'not signed in, viewer'")
        yield page


def sign_in(page: Page, password: str) -> None:
    page.click(".sign-in > button")
    page.wait_for("document.querySelector('.sign-in-form') !== null")
    page.type(".sign-in-form [name=username]", NAME)
    page.type(".sign-in-form [name=password]", password)
    page.click(".sign-in-form [type=submit]")


def test_user_signs_in_writes_and_signs_out(page: Page, url: str) -> None:
    sign_in(page, PASSWORD)
    page.wait_for(f"{VIEWER} === 'ana, operator'")
    token = page.evaluate(TOKEN)
    assert page.evaluate("document.querySelector('.sign-in-form')") is None
    assert token
    # The editor asks as the user: only a user may write here.
    page.evaluate("document.querySelectorAll('.graphiql-tab-button')[3].click()")
    page.wait_for(f"({OPEN_TAB}) === 3")
    page.evaluate(RUN)
    page.wait_for(f"({RESPONSE}) !== ''")
    assert "supplierId" in page.evaluate(RESPONSE)
    page.open(f"{url}?again")
    page.wait_for(f"{VIEWER} === 'ana, operator'")
    kept = page.evaluate(KEPT)
    assert "tabState" in kept
    assert token not in kept
    assert PASSWORD not in kept
    page.click(".sign-in > button")
    page.wait_for(f"{VIEWER} === 'not signed in, viewer'")
    assert page.evaluate(TOKEN) is None
    assert page.console == []


def test_wrong_password_says_so_and_keeps_nothing(page: Page) -> None:
    sign_in(page, "wrong horse battery")
    page.wait_for("document.querySelector('.sign-in-form [role=alert]').textContent !== ''")
    assert "wrong" in page.evaluate(
        "document.querySelector('.sign-in-form [role=alert]').textContent"
    )
    assert page.evaluate("document.querySelector('.sign-in-form [name=password]').value") == ""
    assert page.evaluate(TOKEN) is None


def test_token_that_has_ended_is_forgotten(page: Page, url: str) -> None:
    page.evaluate("sessionStorage.setItem('cacaotrace:token', 'ended')")
    page.open(f"{url}?again")
    page.wait_for(f"{VIEWER} === 'not signed in, viewer'")
    assert page.evaluate(TOKEN) is None
