"""Settings of the environment: their values, and the error for a value that is invalid."""

from dataclasses import fields
from pathlib import Path

import pytest

from graph.admission.limits import Limits
from graph.auth import roles
from graph.auth.issuer import Issuer
from models import user
from serving.settings import DEV_ROLES, LIMITS, VARIABLES, Settings, SettingsError, mask
from tests.conftest import ROOT, run

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_settings_have_defaults() -> None:
    assert Settings.from_environment({}) == Settings(
        database_url="",
        host="127.0.0.1",
        port=8000,
        data_dir=Path(".data"),
        workers=1,
        log_level="info",
        pool_size=8,
        trusted_documents=None,
        trusted_only=False,
        dev_role="operator",
        ledger_key=Path(".data/ledger.key"),
        ledger_origin="cacaotrace",
        ledger_checkpoints=Path(".data/ledger.checkpoints"),
    )


def test_ledger_has_a_key_of_its_own_with_the_embedded_database_alone() -> None:
    url = {"DATABASE_URL": "postgresql://db/x"}
    found = Settings.from_environment(url)
    assert (found.ledger_key, found.ledger_checkpoints) == (None, None)
    found = Settings.from_environment(url | {"LEDGER_KEY": "/keys/a.pem"})
    assert found.ledger_key == Path("/keys/a.pem")
    assert found.ledger_checkpoints == Path("/keys/a.checkpoints")
    apart = url | {"LEDGER_CHECKPOINTS": "/apart/b", "LEDGER_ORIGIN": "example.com/log"}
    found = Settings.from_environment(apart)
    assert (found.ledger_checkpoints, found.ledger_origin) == (Path("/apart/b"), "example.com/log")
    assert Settings.from_environment(found.to_environment()) == found


@pytest.mark.parametrize("origin", ["a b", "a+b", "é", "a\tb"])
def test_name_of_a_log_has_no_blanks_and_no_plus(origin: str) -> None:
    with pytest.raises(SettingsError, match="LEDGER_ORIGIN"):
        Settings.from_environment({"LEDGER_ORIGIN": origin})


def test_settings_read_their_variables() -> None:
    given = {
        "DATABASE_URL": "postgres://me:secret@db/x?sslmode=require",
        "HOST": "::1",
        "PORT": " 9000 ",
        "DATA_DIR": "/data",
        "WORKERS": "4",
        "LOG_LEVEL": "WARNING",
        "POOL_SIZE": "20",
        "TRUSTED_DOCUMENTS": "documents",
        "TRUSTED_DOCUMENTS_ONLY": "ON",
        "PERSISTED_QUERIES": "OFF",
    }

    assert Settings.from_environment(given) == Settings(
        database_url="postgresql://me:secret@db/x?sslmode=require",
        host="::1",
        port=9000,
        data_dir=Path("/data"),
        workers=4,
        log_level="warning",
        pool_size=20,
        trusted_documents=Path("documents"),
        trusted_only=True,
        persisted_queries=False,
    )


def test_every_limit_has_its_variable() -> None:
    assert {limit: name for limit, (name, *_) in LIMITS.items()}.keys() == {
        field.name for field in fields(Limits)
    }
    given = {name: str(low + 1) for name, low, _ in LIMITS.values()}
    read = Settings.from_environment(given).limits
    assert read == Limits(**{limit: low + 1 for limit, (_, low, _) in LIMITS.items()})
    for name, _, _ in LIMITS.values():
        assert name in VARIABLES
        assert f"`{name}`" in README


def test_clients_are_counted_in_production_only_unless_it_is_said() -> None:
    production = {"PROFILE": "production", "DATABASE_URL": "postgresql://u@/x"}
    assert Settings.from_environment({}).limits == Limits()
    assert Settings.from_environment(production).limits == Limits(
        cost=50_000, cost_burst=1_000_000, cost_per_second=100_000
    )
    for profile in ({}, production):
        read = Settings.from_environment({**profile, "COST_PER_SECOND": "7"}).limits
        assert read.cost_per_second == 7
    assert not Settings.from_environment({"COST_PER_SECOND": "0"}).limits.cost_per_second
    assert "50000, 1000000, 100000 in production" in VARIABLES


def test_bucket_must_hold_what_one_request_may_cost() -> None:
    with pytest.raises(SettingsError, match="COST_BURST must not be less than MAX_COST"):
        Settings.from_environment({"COST_BURST": "49999", "COST_PER_SECOND": "1"})


@pytest.mark.parametrize("documents", [None, Path("/a b/documents.json")])
def test_worker_reads_the_settings_of_its_parent(documents: Path | None) -> None:
    parent = Settings(
        database_url="postgresql://u@/x?host=/a%20b",
        pool_size=3,
        host="::1",
        dev_role="auditor",
        public_read=False,
        oidc_issuer="https://id.example",
        oidc_audience="chocolate",
        oidc_role_claim="groups",
        persisted_queries=False,
        trusted_documents=documents,
        trusted_only=documents is not None,
    )

    assert Settings.from_environment(parent.to_environment()) == parent


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "http", "PORT must be a whole number from 0 to 65535, not 'http'"),
        ("PORT", "65536", "PORT must be a whole number from 0 to 65535, not '65536'"),
        ("PORT", "-1", "PORT must be a whole number from 0 to 65535, not '-1'"),
        ("PORT", "٨", "PORT must be a whole number from 0 to 65535, not '٨'"),
        ("WORKERS", "0", "WORKERS must be a whole number from 1 to 64, not '0'"),
        ("POOL_SIZE", "1.5", "POOL_SIZE must be a whole number from 1 to 1000, not '1.5'"),
        ("MAX_BODY", "999", "MAX_BODY must be a whole number from 1000 to 100000000, not '999'"),
        ("MAX_ALIASES", "-1", "MAX_ALIASES must be a whole number from 0 to 10000, not '-1'"),
        ("REQUEST_SECONDS", "0", "REQUEST_SECONDS must be a whole number from 1 to 3600, not '0'"),
        ("REQUEST_SECONDS", "4", "POOL_SECONDS must not be more than REQUEST_SECONDS"),
        (
            "LOG_LEVEL",
            "loud",
            "LOG_LEVEL must be one of debug, info, warning, error, critical, not 'loud'",
        ),
        ("TRUSTED_DOCUMENTS_ONLY", "yes", "TRUSTED_DOCUMENTS_ONLY must be on or off, not 'yes'"),
        ("TRUSTED_DOCUMENTS_ONLY", "on", "TRUSTED_DOCUMENTS_ONLY needs TRUSTED_DOCUMENTS"),
        (
            "DATABASE_URL",
            "mysql://me:secret@db/x",
            "DATABASE_URL must start with postgresql:// or postgres://",
        ),
        ("DATABASE_URL", "secret", "DATABASE_URL must start with postgresql:// or postgres://"),
        (
            "DATABASE_URL",
            "postgresql://me:secret@db:port/x",
            "DATABASE_URL cannot be read: expected postgresql://user@host:port/database",
        ),
    ],
)
def test_bad_value_is_one_line_that_names_the_variable(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({name: value})

    assert str(refused.value) == message


AT = "DATABASE_URL cannot be read: an @ of a name or password is written %40, a / of a name %2F"
PORT = "DATABASE_URL cannot be read: a port is a number from 1 to 65535"
UNREAD = "DATABASE_URL cannot be read: expected postgresql://user@host:port/database"
NO_OPTION = "DATABASE_URL has an option that no connection to PostgreSQL has"


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("me:gehe@imnis@db/x", AT),
        ("me:gehe@imnis/gehe@db/x", AT),
        ("me:gehe@imnis?gehe@db/x", AT),
        ("me:gehe@imnis#gehe@db:5432/x", AT),
        ("m/e:geheimnis@db/x", AT),
        ("me:geheimnis", UNREAD),
        ("me:geheimnis/x", UNREAD),
        ("me:gehe imnis:1/x", UNREAD),
        ("me:8154711/x", PORT),
        ("me:geheimnis@db:0/x", PORT),
        ("me:geheimnis@db:65536/x", PORT),
        ("me:geheimnis@db:-1/x", PORT),
        ("me:gehe%00imnis@db/x", "DATABASE_URL cannot be read: it contains a NUL"),
        ("me:geheimnis@db/x?options=%00", "DATABASE_URL cannot be read: it contains a NUL"),
        ("me:geheimnis@[::1/x", UNREAD),
        ("me:geheimnis@db/x?foo=1", f"{NO_OPTION}: foo"),
        ("me:geheimnis@db/x?pasword=geheimnis", f"{NO_OPTION}: pasword"),
        ("me:geheimnis@db/x?foo=1&foo=2", f"{NO_OPTION}: foo"),
        ("me:geheimnis@db/x?dsn=geheimnis", f"{NO_OPTION}: dsn"),
        ("me:geheimnis@db/x?async_=1", f"{NO_OPTION}: async_"),
        ("me:geheimnis@db/x?connection_factory=1", f"{NO_OPTION}: connection_factory"),
        ("me:geheimnis@db/x?Gehe imnis=1", NO_OPTION),
        ("me:geheimnis@db/x?=geheimnis", NO_OPTION),
        ("me:geheimnis@db/x?port=geheimnis", UNREAD),
        ("me:geheimnis@db/x?host=a,b&port=1", UNREAD),
    ],
)
def test_url_of_a_database_is_refused_without_its_password(rest: str, message: str) -> None:
    for scheme in ("postgresql", "postgres"):
        with pytest.raises(SettingsError) as refused:
            Settings.from_environment({"DATABASE_URL": f"{scheme}://{rest}"})
        assert str(refused.value) == message


@pytest.mark.parametrize(
    "rest",
    [
        "me:p%40ss%2Fw%3Ford@db/x",
        "me:p/s?s#w:rd@db/x",
        "db/x?user=me@elsewhere&password=secret",
        "me@/x?host=/a%20b",
        "me@/x?host=/a&port=5433&connect_timeout=3&sslmode=require&sslpassword=secret",
        "me@[::1]:5432/x",
        "me:secret@db/x%40y",
        "me@/x?host=a:1&host=b:2&target_session_attrs=primary",
        "",
    ],
)
def test_url_of_a_database_is_kept_as_it_is(rest: str) -> None:
    for scheme in ("postgresql", "postgres"):
        settings = Settings.from_environment({"DATABASE_URL": f"{scheme}://{rest}"})
        assert settings.database_url == f"postgresql://{rest}"


@pytest.mark.parametrize(
    ("rest", "code"), [("me:gehe@imnis@db/x", 2), ("db/x?foo=1", 2), ("db/x?sslmode=geheim", 1)]
)
@pytest.mark.parametrize("command", [("serve",), ("user", "list"), ("audit", "findings")])
def test_bad_url_of_a_database_is_one_line(command: tuple[str, ...], rest: str, code: int) -> None:
    result = run(*command, DATABASE_URL=f"postgresql://{rest}", PORT="0")

    assert (result.returncode, result.stdout) == (code, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "imnis" not in result.stderr


@pytest.mark.parametrize(
    "given",
    [
        {"CORS_ORIGINS": "https://me:geheimnis@shop.example"},
        {"CORS_ORIGINS": "ftp://me:gehe@imnis@shop.example"},
    ],
)
def test_origin_is_refused_without_its_password(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"//\*\*\*@shop\.example") as refused:
        Settings.from_environment(given)
    assert "imnis" not in str(refused.value)


def test_issuer_is_refused_without_its_password() -> None:
    with pytest.raises(ValueError, match=r"'http://\*\*\*@id\.example'") as refused:
        Issuer("http://me:geheimnis@id.example", "chocolate")
    assert "imnis" not in str(refused.value)


def test_bad_setting_ends_the_command_with_2_and_no_traceback() -> None:
    result = run("serve", PORT="http")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: PORT must be a whole number from 0 to 65535, not 'http'\n"


def test_masked_url_shows_no_password() -> None:
    url = "postgresql://me:secret@db/x?sslpassword=secret&sslmode=require"

    assert mask(url) == "postgresql://me:***@db/x?sslmode=require&sslpassword=%2A%2A%2A"


def test_dev_role_is_operator_only_where_nothing_else_can_be_meant() -> None:
    def role(**given: str) -> str:
        return Settings.from_environment(given).dev_role

    assert role() == "operator"
    assert role(HOST="::1") == "operator"
    assert role(HOST="0.0.0.0") == "public"
    assert role(DATABASE_URL="postgresql://db/x") == "public"
    assert role(DATABASE_URL="postgresql://db/x", DEV_ROLE="Auditor") == "auditor"
    assert role(DEV_ROLE="public") == "public"
    assert role(DATABASE_URL="postgresql://db/x", PROFILE="production") == "public"


PRODUCTION = {"PROFILE": "production", "DATABASE_URL": "postgresql://db/x"}
ISSUER = {"OIDC_ISSUER": "https://id.example", "OIDC_AUDIENCE": "chocolate"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"DEV_ROLE": "god"}, "DEV_ROLE must be one of public, viewer, operator, auditor, admin"),
        ({"DEV_ROLE": "viewer", "HOST": "0.0.0.0"}, "DEV_ROLE=viewer needs a HOST of loopback"),
        ({"PROFILE": "production"}, "PROFILE=production needs DATABASE_URL"),
        ({**PRODUCTION, "DEV_ROLE": "public"}, "PROFILE=production refuses DEV_ROLE"),
        ({**PRODUCTION, "LOG_LEVEL": "DEBUG"}, "PROFILE=production refuses LOG_LEVEL=debug"),
        ({**PRODUCTION, "COST_PER_SECOND": "00"}, "PROFILE=production refuses COST_PER_SECOND=0"),
        (
            {**PRODUCTION, "CORS_ORIGINS": "http://shop.example"},
            "refuses CORS_ORIGINS without https",
        ),
        ({**PRODUCTION, **ISSUER, "OIDC_ISSUER": "http://127.0.0.1:9"}, "refuses OIDC_ISSUER"),
        (
            {**PRODUCTION, **ISSUER, "OIDC_JWKS_URL": "http://localhost/keys"},
            "OIDC_JWKS_URL without",
        ),
        ({"OIDC_ISSUER": "https://id.example"}, "OIDC_ISSUER and OIDC_AUDIENCE need each other"),
        ({"OIDC_ROLE_CLAIM": "groups"}, "OIDC_ISSUER and OIDC_AUDIENCE need each other"),
    ],
)
def test_unsafe_settings_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment(given)


def test_production_hands_its_settings_to_its_workers() -> None:
    origins = {"CORS_ORIGINS": "https://shop.example,http://localhost:3000,http://[::1]:80"}
    parent = Settings.from_environment({**PRODUCTION, **ISSUER, **origins})
    assert parent.production
    assert Settings.from_environment(parent.to_environment()) == parent


def test_origins_and_proxies_are_lists() -> None:
    given = {
        "CORS_ORIGINS": "https://shop.example, http://localhost:3000,",
        "FORWARDED_ALLOW_IPS": "10.0.0.1, fd00::/8",
        "LOG_FORMAT": "JSON",
    }
    settings = Settings.from_environment(given)
    assert settings.cors_origins == ("https://shop.example", "http://localhost:3000")
    assert settings.proxies == ("10.0.0.1", "fd00::/8")
    assert settings.log_format == "json"
    assert Settings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "shop.example"),
        ("CORS_ORIGINS", "https://shop.example/"),
        ("CORS_ORIGINS", "https://shop.example/path"),
        ("CORS_ORIGINS", "https://*.shop.example"),
        ("CORS_ORIGINS", "https://shop.example, ftp://x"),
        ("CORS_ORIGINS", "https://me@shop.example"),
        ("CORS_ORIGINS", "null"),
        ("FORWARDED_ALLOW_IPS", "*"),
        ("FORWARDED_ALLOW_IPS", "0.0.0.0/0"),
        ("FORWARDED_ALLOW_IPS", "proxy"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_list_that_lets_in_too_many_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: value})


def test_every_origin_is_for_development_only() -> None:
    assert Settings.from_environment({"CORS_ORIGINS": "*"}).cors_origins == ("*",)
    given = {"PROFILE": "production", "DATABASE_URL": "postgresql://u@/x", "CORS_ORIGINS": "*"}
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        Settings.from_environment(given)


def test_every_list_of_roles_is_the_same() -> None:
    assert roles.ROLES == (roles.PUBLIC, *user.ROLES) == DEV_ROLES
