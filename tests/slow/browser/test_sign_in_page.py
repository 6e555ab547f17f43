"""The sign-in of the GraphiQL page, in a browser: the caller's role, and where no token is stored."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Request, expect

from models.accounts.account import create_user
from tests.conftest import Cluster, opened, start_serving
from tests.slow.browser.test_graphiql import needs_dist

NAME, PASSWORD = "ana", "correct horse battery"
TOKEN = "sessionStorage.getItem('cacaotrace:token')"
# Everything that outlives the tab or leaves it.
KEPT = "JSON.stringify([location.href, document.cookie, {...localStorage}, history.state])"
STORED_TABS = "localStorage.getItem('graphiql:tabState') ?? ''"

pytestmark = needs_dist


@pytest.fixture(scope="module")
def url(cluster: Cluster, sample_template: str) -> Iterator[str]:
    """Provide the page of a server with one user, which only that user may write to."""
    database_url = cluster.create(sample_template)
    with opened(database_url) as database, database.session("test") as session:
        create_user(session, NAME, PASSWORD, "operator")
        session.commit()
    serving = start_serving(DATABASE_URL=database_url, DEV_ROLE="viewer")
    yield f"{serving.url}/graphql"
    serving.stop()


@pytest.fixture
def graphiql(page: Page, url: str) -> Page:
    """Provide the page, before anybody has signed in."""
    page.goto(url)
    expect_viewer(page, "not signed in, viewer")
    return page


def expect_viewer(page: Page, text: str) -> None:
    expect(page.locator(".sign-in-viewer")).to_have_text(text)


def sign_in(page: Page, password: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    form = page.locator(".sign-in-form")
    form.get_by_label("Username").fill(NAME)
    form.get_by_label("Password").fill(password)
    form.get_by_role("button", name="Sign in").click()


def test_user_signs_in_writes_and_signs_out(
    graphiql: Page, url: str, complaints: list[str]
) -> None:
    page = graphiql
    sign_in(page, PASSWORD)
    expect_viewer(page, "ana, operator")
    token = page.evaluate(TOKEN)
    expect(page.locator(".sign-in-form")).to_have_count(0)
    assert token
    # The editor asks as the user: only a user may write here.
    page.get_by_role("tab", name="Write").click()
    page.locator(".graphiql-execute-button").click()
    expect(page.locator(".graphiql-response")).to_contain_text("supplierId")
    # GraphiQL stores a tab's answer half a second after it has come.
    page.wait_for_function(f"() => ({STORED_TABS}).includes('supplierId')")
    page.goto(f"{url}?again")
    expect_viewer(page, "ana, operator")
    kept = page.evaluate(KEPT)
    assert "tabState" in kept
    assert token not in kept
    assert PASSWORD not in kept
    page.get_by_role("button", name="Sign out").click()
    expect_viewer(page, "not signed in, viewer")
    assert page.evaluate(TOKEN) is None
    assert complaints == []


def test_wrong_password_says_so_and_keeps_nothing(graphiql: Page) -> None:
    sign_in(graphiql, "wrong horse battery")
    expect(graphiql.locator(".sign-in-form [role=alert]")).to_contain_text("wrong")
    expect(graphiql.locator(".sign-in-form [name=password]")).to_have_value("")
    assert graphiql.evaluate(TOKEN) is None


def test_escape_closes_the_form_and_returns_the_focus(graphiql: Page) -> None:
    button = graphiql.get_by_role("button", name="Sign in")
    button.click()
    expect(graphiql.get_by_label("Username")).to_be_focused()
    graphiql.keyboard.press("Escape")
    expect(graphiql.locator(".sign-in-form")).to_have_count(0)
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")


def test_token_that_has_ended_is_forgotten(graphiql: Page, url: str) -> None:
    graphiql.evaluate("sessionStorage.setItem('cacaotrace:token', 'ended')")
    graphiql.goto(f"{url}?again")
    expect_viewer(graphiql, "not signed in, viewer")
    assert graphiql.evaluate(TOKEN) is None


def test_tab_chosen_while_the_editors_load_shows_and_runs_its_own_document(
    page: Page, url: str, held_editors: Callable[[], None]
) -> None:
    page.goto(url)
    page.get_by_role("tab", name="Audit a batch").click()
    expect(page.get_by_role("tab", name="Audit a batch")).to_have_attribute("aria-selected", "true")
    held_editors()
    expect(page.locator(".graphiql-query-editor")).to_contain_text("AuditABatch")
    with page.expect_request(asks_for("cacaoBatch")) as asked:
        page.locator(".graphiql-execute-button").click()
    assert (asked.value.post_data_json or {})["operationName"] == "AuditABatch"
    expect(page.locator(".graphiql-response")).to_contain_text("cacaoBatch")


def test_run_right_after_a_change_of_tabs_names_the_operation_of_the_new_tab(
    page: Page, url: str
) -> None:
    page.goto(url)
    expect(page.locator(".graphiql-query-editor")).to_contain_text("FromBarToBean")
    with page.expect_request(asks_for("Search")) as asked:
        # Both in one task of the page: nothing that GraphiQL puts off comes between.
        page.evaluate(
            """() => {
              [...document.querySelectorAll('.graphiql-tab-button')]
                .find(tab => tab.textContent === 'Search').click()
              document.querySelector('.graphiql-execute-button').click()
            }"""
        )
    assert (asked.value.post_data_json or {})["operationName"] == "Search"
    expect(page.locator(".graphiql-response")).to_contain_text('"data"')
    expect(page.locator(".graphiql-response")).not_to_contain_text('"errors"')


def asks_for(text: str) -> Callable[[Request], bool]:
    """Whether a request posts a document with this text."""
    return lambda request: text in json.loads(request.post_data or "{}").get("query", "")
