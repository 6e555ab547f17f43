"""GraphQL over HTTP as its reference implementation audits it, 61 rules, in both profiles.

Skips where there is no Node or web/ was not built; tests/http/requests/ states the same rules without it.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.accounts.account import create_user, sign_in, verify
from tests.bounds import within
from tests.conftest import Cluster, opened, start_serving

WEB = Path(__file__).parents[3] / "web"
NAME, PASSWORD = "ana", "correct horse battery"
# These ask for `__type`, which in production is not for everyone to ask for.
INTROSPECTING = {"2EA1", "28B9", "D6D5", "6A70"}

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (WEB / "node_modules" / "graphql-http").exists(),
    reason="graphql-http is not installed: run `npm ci` in web/",
)


@pytest.fixture(scope="module")
def database_url(cluster: Cluster, sample_template: str) -> str:
    """Provide the URL of a database with a user."""
    url = cluster.create(sample_template)
    with opened(url) as database, database.session("test") as session:
        create_user(session, NAME, PASSWORD)
        session.commit()
    return url


@pytest.fixture(scope="module")
def token(database_url: str) -> str:
    with opened(database_url) as database:
        verified = verify(database, NAME, PASSWORD, "")
        with database.session("test") as session:
            started = sign_in(session, verified)
            session.commit()
    return started.token


@pytest.fixture(scope="module")
def production(database_url: str) -> Iterator[str]:
    """Provide the endpoint of a server in production."""
    serving = start_serving(DATABASE_URL=database_url, PROFILE="production")
    yield f"{serving.url}/graphql"
    serving.stop()


def audit(*arguments: str) -> dict[str, Any]:
    command = ["node", "audit.mjs", *arguments]
    done = subprocess.run(
        command, cwd=WEB, capture_output=True, text=True, timeout=within(60), check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_rule_is_kept_in_development(live_server_url: str) -> None:
    assert audit(f"{live_server_url}/graphql") == {"audits": 61, "failed": {}}


def test_every_rule_is_kept_in_production(production: str, token: str) -> None:
    assert audit(production, token) == {"audits": 61, "failed": {}}


def test_every_rule_that_asks_for_no_type_is_kept_without_a_token(production: str) -> None:
    found = audit(production)
    assert (found["audits"], set(found["failed"])) == (61, INTROSPECTING)
