"""What the environment may say, and how a value that cannot be used is refused."""

from pathlib import Path

import pytest

from server import Settings
from settings import SettingsError, mask
from tests.conftest import (
    run,
)


def test_settings_have_defaults() -> None:
    assert Settings.from_environment({}) == Settings(
        database_url="",
        host="127.0.0.1",
        port=8000,
        data_dir=Path(".data"),
        workers=1,
        log_level="info",
        pool_size=8,
        writes=True,
        trusted_documents=None,
        trusted_only=False,
    )


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
    }

    assert Settings.from_environment(given) == Settings(
        database_url="postgresql://me:secret@db/x?sslmode=require",
        host="::1",
        port=9000,
        data_dir=Path("/data"),
        workers=4,
        log_level="warning",
        pool_size=20,
        writes=False,
        trusted_documents=Path("documents"),
        trusted_only=True,
    )


@pytest.mark.parametrize("documents", [None, Path("/a b/documents.json")])
def test_worker_reads_the_settings_of_its_parent(documents: Path | None) -> None:
    parent = Settings(
        database_url="postgresql://u@/x?host=/a%20b",
        pool_size=3,
        writes=True,
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


def test_bad_setting_ends_the_command_with_2_and_no_traceback() -> None:
    result = run("serve", PORT="http")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: PORT must be a whole number from 0 to 65535, not 'http'\n"


def test_masked_url_shows_no_password() -> None:
    url = "postgresql://me:secret@db/x?sslpassword=secret&sslmode=require"

    assert mask(url) == "postgresql://me:***@db/x?sslmode=require&sslpassword=%2A%2A%2A"
