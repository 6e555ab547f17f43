"""What the environment decides. The only reader of its variables.

Refuses a value that cannot be used, naming the variable, and never shows a password.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
VARIABLES = """
environment:
  DATABASE_URL  postgresql://user:password@host:port/database; without it, an embedded PostgreSQL
  DATA_DIR      folder of the embedded PostgreSQL (.data)
  HOST, PORT    where to listen (127.0.0.1, 8000)
  WORKERS       processes that serve (1)
  POOL_SIZE     database connections of a process, for reads and for writes each (8)
  LOG_LEVEL     debug, info, warning, error or critical (info)
  PREPARED_STATEMENTS     off: for a pooler in transaction mode between us and PostgreSQL (on)
  TRUSTED_DOCUMENTS       folder of *.graphql files, such a file, or a JSON manifest {id: text}
  TRUSTED_DOCUMENTS_ONLY  on: no other document is answered (off)
"""


class SettingsError(Exception):
    """A variable of the environment that cannot be used; names it, never shows a password."""


@dataclass(frozen=True)
class Settings:
    """What the environment decides. `database_url` is empty where the embedded database serves."""

    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path = Path(".data")
    workers: int = 1
    log_level: str = "info"
    pool_size: int = 8
    writes: bool = False
    prepare: bool = True
    trusted_documents: Path | None = None
    trusted_only: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; raises SettingsError at the first one that cannot be used."""
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        url = _read_url(given.get("DATABASE_URL", ""))
        trusted = given.get("TRUSTED_DOCUMENTS")
        only = _read_switch(given, "TRUSTED_DOCUMENTS_ONLY")
        if only and not trusted:
            raise SettingsError("TRUSTED_DOCUMENTS_ONLY needs TRUSTED_DOCUMENTS")
        return cls(
            database_url=url,
            host=given.get("HOST", cls.host),
            port=_read_number(given, "PORT", cls.port, 0, 65535),
            data_dir=Path(given.get("DATA_DIR", cls.data_dir)),
            workers=_read_number(given, "WORKERS", cls.workers, 1, 64),
            log_level=_read_level(given.get("LOG_LEVEL", cls.log_level)),
            pool_size=_read_number(given, "POOL_SIZE", cls.pool_size, 1, 1000),
            # A worker process is told so by the process that runs the embedded database.
            writes=not url or given.get("CACAOTRACE_EMBEDDED") == "1",
            prepare=_read_switch(given, "PREPARED_STATEMENTS", default=True),
            trusted_documents=Path(trusted) if trusted else None,
            trusted_only=only,
        )

    def to_environment(self) -> dict[str, str]:
        """The same settings for a worker process."""
        return {
            "DATABASE_URL": self.database_url,
            "LOG_LEVEL": self.log_level,
            "POOL_SIZE": str(self.pool_size),
            "CACAOTRACE_EMBEDDED": "1" if self.writes else "",
            "PREPARED_STATEMENTS": "on" if self.prepare else "off",
            "TRUSTED_DOCUMENTS": str(self.trusted_documents or ""),
            "TRUSTED_DOCUMENTS_ONLY": "on" if self.trusted_only else "off",
        }


def _read_url(value: str) -> str:
    if not value:
        return ""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in ("postgres", "postgresql"):
        raise SettingsError("DATABASE_URL must start with postgresql:// or postgres://")
    with suppress(ArgumentError, ValueError):
        make_url(f"postgresql://{rest}")
        return f"postgresql://{rest}"
    raise SettingsError(
        "DATABASE_URL cannot be read: expected postgresql://user@host:port/database"
    )


def _read_number(given: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = given.get(name, str(default))
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
    return int(value)


def _read_level(value: str) -> str:
    if value.lower() not in LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}, not {value!r}")
    return value.lower()


def _read_switch(given: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = given.get(name, "on" if default else "off").lower()
    if value not in ("on", "off"):
        raise SettingsError(f"{name} must be on or off, not {value!r}")
    return value == "on"


def mask(url: str) -> str:
    """A database's URL as it may be shown."""
    from sqlalchemy import make_url

    parsed = make_url(url)
    query = {name: "***" if "password" in name else value for name, value in parsed.query.items()}
    return parsed.set(query=query).render_as_string(hide_password=True)
