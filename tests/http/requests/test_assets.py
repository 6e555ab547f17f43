"""Files of GraphiQL: compressed once, with entity tags, and cached by browsers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from graph.endpoints import graphiql_assets as assets
from graph.endpoints.graphql import application
from models.database.engines import Database
from tests.conftest import local
from tests.http.requests.raw_connection import Reply
from tests.recorder import recording

SCRIPT = b"export const chocolate = 'Schokolade';\n" * 200


@pytest.fixture
def site(protected_world: Database, tmp_path: Path) -> Iterator[TestClient]:
    """Provide a client of the API with built files of this test's own."""
    folder = tmp_path / "dist" / "assets"
    folder.mkdir(parents=True)
    (folder / "page-cosADw1e.js").write_bytes(SCRIPT)
    (folder / "plain.js").write_bytes(SCRIPT)
    (folder / "small.css").write_bytes(b"p {}")
    (folder / "font.woff2").write_bytes(SCRIPT)
    app = application(protected_world, web=tmp_path)
    with local(app) as client:
        yield client


def raw(client: TestClient, path: str, **headers: str) -> Reply:
    """GET a file without decoding it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with client.stream("GET", f"/static/assets/{path}", headers=named) as response:
        body = b"".join(response.iter_raw())
        return Reply(response.status_code, dict(response.headers), body, open=True)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_asset_is_compressed_once(site: TestClient, protected_world: Database, coding: str) -> None:
    before = assets._shrink.cache_info().misses
    with recording(protected_world) as statements:
        answers = [raw(site, "page-cosADw1e.js", accept_encoding=coding) for _ in range(3)]
    assert assets._shrink.cache_info().misses == before + 1
    for answer in answers:
        assert (answer.status, answer.decoded) == (200, SCRIPT)
        assert answer.headers["content-encoding"] == coding
        assert answer.headers["content-length"] == str(len(answer.body))
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["vary"] == "Accept-Encoding, Sec-Fetch-Site"
        assert len(answer.body) < 200
    assert statements == []


@pytest.mark.parametrize(
    ("given", "coding"),
    [
        ({}, "gzip"),
        ({"sec_fetch_mode": "cors"}, "gzip"),
        ({"sec_fetch_mode": "no-cors", "sec_fetch_site": "same-origin"}, "zstd"),
    ],
)
def test_zstd_of_an_asset_is_for_browsers(
    site: TestClient, given: dict[str, str], coding: str
) -> None:
    answer = raw(site, "plain.js", accept_encoding="gzip, deflate, br, zstd", **given)
    assert (answer.headers["content-encoding"], answer.decoded) == (coding, SCRIPT)


@pytest.mark.parametrize("path", ["small.css", "font.woff2"])
def test_asset_that_gains_nothing_stays_as_it_is(site: TestClient, path: str) -> None:
    answer = raw(site, path, accept_encoding="gzip")
    assert answer.status == 200
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_known_asset_is_304(site: TestClient, coding: str) -> None:
    first = raw(site, "plain.js", accept_encoding=coding)
    tag = first.headers["etag"]
    assert tag.endswith('"' if coding == "identity" else f'-{coding}"')
    for given in ({"if_none_match": tag}, {"if_modified_since": first.headers["last-modified"]}):
        again = raw(site, "plain.js", accept_encoding=coding, **given)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["vary"] == "Accept-Encoding, Sec-Fetch-Site"
    assert raw(site, "plain.js", accept_encoding="br", if_none_match='"other"').status == 200


def test_part_of_an_asset_is_part_of_the_file(site: TestClient) -> None:
    answer = raw(site, "plain.js", accept_encoding="gzip", range="bytes=0-5")
    assert (answer.status, answer.body) == (206, b"export")
    assert "content-encoding" not in answer.headers


def test_only_an_asset_named_after_its_content_is_kept_for_good(site: TestClient) -> None:
    hashed = raw(site, "page-cosADw1e.js").headers["cache-control"]
    assert hashed == "public, max-age=31536000, immutable"
    assert "cache-control" not in raw(site, "plain.js").headers


def test_changed_asset_is_compressed_anew(site: TestClient, tmp_path: Path) -> None:
    first = raw(site, "plain.js", accept_encoding="gzip")
    (tmp_path / "dist" / "assets" / "plain.js").write_bytes(SCRIPT * 2)
    again = raw(site, "plain.js", accept_encoding="gzip", if_none_match=first.headers["etag"])
    assert (again.status, again.decoded) == (200, SCRIPT * 2)
