"""What the environment decides. The only reader of its variables.

Refuses a value that cannot be used, naming the variable, and never shows a password.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graph.admission.limits import DEFAULTS, Limits
from graph.auth.issuer import shown

PROFILES = ("development", "production")
DEV_ROLES = ("public", "viewer", "operator", "auditor", "admin")
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
LOG_FORMATS = ("text", "json")
ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
ORIGIN_OF_LOG = re.compile(r"[!-*,-~]{1,200}")
VARIABLES = """
environment:
  DATABASE_URL  postgresql://user:password@host:port/database; without it, an embedded PostgreSQL
  DATA_DIR      folder of the embedded PostgreSQL (.data)
  HOST, PORT    where to listen (127.0.0.1, 8000)
  WORKERS       processes that serve (1)
  POOL_SIZE     database connections of a process, for reads and for writes each (8)
  LOG_LEVEL     debug, info, warning, error or critical (info)
  LOG_FORMAT    json: an object a line; values of requests and rows are left out of both (text)
  PREPARED_STATEMENTS     off: for a pooler in transaction mode between us and PostgreSQL (on)
  TRUSTED_DOCUMENTS       folder of *.graphql files, such a file, or a JSON manifest {id: text}
  TRUSTED_DOCUMENTS_ONLY  on: no other document is answered (off)
  PERSISTED_QUERIES       off: clients register no documents by their hash (on)
  CORS_ORIGINS  sites whose scripts may ask: https://shop.example,https://... (none)
  FORWARDED_ALLOW_IPS     proxies, by address or network, that say where a client comes from (none)
  MAX_COST, COST_BURST, COST_PER_SECOND   what a request may cost, a client spend at once, and a second
                in the long run (50000, 1000000, 100000 in production; else 5000000, 5000000, and
                0: clients are not counted)
  COST_OF_SECOND          what a second of the database's time, or of computing, costs a client beyond
                what its request paid (100000)
  CLIENT_CONNECTIONS      connections of a process that one client may use at a time, for reads and for
                writes each (a quarter of POOL_SIZE, half where clients are not counted)
  REQUEST_SECONDS, POOL_SECONDS           what a request may take in all, and wait for a connection (15, 5)
  IDEMPOTENCY_HOURS                       how long an idempotency key is remembered (72)
  MAX_BODY, MAX_TOKENS, MAX_DEPTH, MAX_ALIASES, MAX_DIRECTIVES, MAX_DIRECTIVES_OF_ONE, MAX_ROOT_FIELDS,
  MAX_REPEATED_FIELDS, MAX_DEFINITIONS, MAX_FRAGMENTS, MAX_OBJECTS, MAX_FILTER_DEPTH, MAX_CONDITIONS,
  MAX_NODE_IDS  how large a request may be; docs/reference/limits.md has their ranges
  MAX_LISTED_PRODUCTS     products that one GET /api/products lists (1000)
  LEDGER_KEY    file of the Ed25519 private key, in PEM, that signs checkpoints of the ledger; with the
                embedded database one is made beside its data, else events are integrated unsigned
  LEDGER_ORIGIN, LEDGER_CHECKPOINTS       the log's name (cacaotrace), and the file that each signed
                checkpoint is appended to (beside the key, with the ending .checkpoints)
  PROFILE       production: no GraphiQL, introspection for those signed in only, nobody acts
                without a token, and no start with what is unsafe (development)
  PUBLIC_READ   off: whoever has not signed in reads nothing (on)
  DEV_ROLE      the role of a request without a token: public, viewer, operator, auditor or admin;
                on loopback and in development only (operator with the embedded database, else public)
  OIDC_ISSUER, OIDC_AUDIENCE  accept bearer tokens of this OpenID Connect issuer, for us
  OIDC_JWKS_URL               its keys, where its configuration does not say (discovered)
  OIDC_ROLE_CLAIM             the claim that holds the role (role)
"""


# Limit: its variable, and the least and the most it may be.
LIMITS = {
    "body": ("MAX_BODY", 1_000, 100_000_000),
    "tokens": ("MAX_TOKENS", 100, 1_000_000),
    "depth": ("MAX_DEPTH", 3, 100),
    "aliases": ("MAX_ALIASES", 0, 10_000),
    "directives": ("MAX_DIRECTIVES", 0, 10_000),
    "directives_of_one": ("MAX_DIRECTIVES_OF_ONE", 0, 10_000),
    "root_fields": ("MAX_ROOT_FIELDS", 1, 10_000),
    "repeated_fields": ("MAX_REPEATED_FIELDS", 0, 10_000),
    "definitions": ("MAX_DEFINITIONS", 1, 10_000),
    "fragments": ("MAX_FRAGMENTS", 0, 10_000),
    "objects": ("MAX_OBJECTS", 1, 2_000),
    "filter_depth": ("MAX_FILTER_DEPTH", 1, 50),
    "conditions": ("MAX_CONDITIONS", 0, 10_000),
    "node_ids": ("MAX_NODE_IDS", 1, 10_000),
    "listed_products": ("MAX_LISTED_PRODUCTS", 1, 10_000),
    "cost": ("MAX_COST", 1, 1_000_000_000),
    "cost_burst": ("COST_BURST", 1, 1_000_000_000_000),
    "cost_per_second": ("COST_PER_SECOND", 0, 1_000_000_000),
    "cost_of_second": ("COST_OF_SECOND", 0, 1_000_000_000),
    "client_connections": ("CLIENT_CONNECTIONS", 0, 1_000),
    "request_seconds": ("REQUEST_SECONDS", 1, 3_600),
    "pool_seconds": ("POOL_SECONDS", 1, 3_600),
    "idempotency_hours": ("IDEMPOTENCY_HOURS", 1, 24 * 3_660),
}
# In production, if nothing else is said; a developer may ask for more, and is not counted.
PRODUCTION = replace(DEFAULTS, cost=50_000, cost_burst=1_000_000, cost_per_second=100_000)


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
    prepare: bool = True
    trusted_documents: Path | None = None
    trusted_only: bool = False
    persisted_queries: bool = True
    production: bool = False
    public_read: bool = True
    dev_role: str = "public"
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: str = ""
    oidc_role_claim: str = "role"
    cors_origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    log_format: str = "text"
    ledger_key: Path | None = None
    ledger_origin: str = "cacaotrace"
    ledger_checkpoints: Path | None = None
    limits: Limits = DEFAULTS

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; raises SettingsError at the first one that cannot be used."""
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        url = _read_url(given.get("DATABASE_URL", ""))
        trusted = given.get("TRUSTED_DOCUMENTS")
        only = _read_switch(given, "TRUSTED_DOCUMENTS_ONLY")
        if only and not trusted:
            raise SettingsError("TRUSTED_DOCUMENTS_ONLY needs TRUSTED_DOCUMENTS")
        host = given.get("HOST", cls.host)
        production = _read_choice(given, "PROFILE", PROFILES) == "production"
        if production:
            _refuse_unsafe(given)
        return cls(
            database_url=url,
            host=host,
            port=_read_number(given, "PORT", cls.port, 0, 65535),
            data_dir=Path(given.get("DATA_DIR", cls.data_dir)),
            workers=_read_number(given, "WORKERS", cls.workers, 1, 64),
            log_level=_read_choice(given, "LOG_LEVEL", LOG_LEVELS, cls.log_level),
            pool_size=_read_number(given, "POOL_SIZE", cls.pool_size, 1, 1000),
            prepare=_read_switch(given, "PREPARED_STATEMENTS", default=True),
            trusted_documents=Path(trusted) if trusted else None,
            trusted_only=only,
            persisted_queries=_read_switch(given, "PERSISTED_QUERIES", default=True),
            production=production,
            public_read=_read_switch(given, "PUBLIC_READ", default=True),
            dev_role=_read_dev_role(given, host),
            cors_origins=_read_origins(given, production=production),
            proxies=_read_proxies(given),
            log_format=_read_choice(given, "LOG_FORMAT", LOG_FORMATS),
            limits=_read_limits(given, production=production),
            **_read_ledger(given),
            **_read_issuer(given),
        )

    def to_environment(self) -> dict[str, str]:
        """Return the same settings for a worker process."""
        return {
            "DATABASE_URL": self.database_url,
            "WORKERS": str(self.workers),
            **{name: str(getattr(self.limits, limit)) for limit, (name, *_) in LIMITS.items()},
            "LOG_LEVEL": self.log_level,
            "LOG_FORMAT": self.log_format,
            "CORS_ORIGINS": ",".join(self.cors_origins),
            "FORWARDED_ALLOW_IPS": ",".join(self.proxies),
            "LEDGER_KEY": str(self.ledger_key or ""),
            "LEDGER_ORIGIN": self.ledger_origin,
            "LEDGER_CHECKPOINTS": str(self.ledger_checkpoints or ""),
            "POOL_SIZE": str(self.pool_size),
            "PREPARED_STATEMENTS": "on" if self.prepare else "off",
            "TRUSTED_DOCUMENTS": str(self.trusted_documents or ""),
            "TRUSTED_DOCUMENTS_ONLY": "on" if self.trusted_only else "off",
            "PERSISTED_QUERIES": "on" if self.persisted_queries else "off",
            "PROFILE": PROFILES[self.production],
            "PUBLIC_READ": "on" if self.public_read else "off",
            "HOST": self.host,
            "DEV_ROLE": "" if self.production else self.dev_role,
            "OIDC_ISSUER": self.oidc_issuer,
            "OIDC_AUDIENCE": self.oidc_audience,
            "OIDC_JWKS_URL": self.oidc_jwks_url,
            "OIDC_ROLE_CLAIM": self.oidc_role_claim if self.oidc_issuer else "",
        }


def _read_ledger(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the key, the name and the file of the ledger; the embedded database has a key of its own."""
    key = Path(given["LEDGER_KEY"]) if "LEDGER_KEY" in given else None
    if key is None and "DATABASE_URL" not in given:
        key = Path(given.get("DATA_DIR", Settings.data_dir)) / "ledger.key"
    origin = given.get("LEDGER_ORIGIN", Settings.ledger_origin)
    if not ORIGIN_OF_LOG.fullmatch(origin):
        raise SettingsError(f"LEDGER_ORIGIN must have no blanks and no +, not {origin!r}")
    checkpoints = given.get("LEDGER_CHECKPOINTS") or (key and key.with_suffix(".checkpoints"))
    return {
        "ledger_key": key,
        "ledger_origin": origin,
        "ledger_checkpoints": Path(checkpoints) if checkpoints else None,
    }


def _read_url(value: str) -> str:
    if not value:
        return ""
    from models.database.url import UnusableURL, read_url

    try:
        return read_url(value)
    except UnusableURL as error:
        raise SettingsError(f"DATABASE_URL {error}") from None


def _read_number(given: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = given.get(name, str(default))
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
    return int(value)


def _read_limits(given: Mapping[str, str], *, production: bool) -> Limits:
    defaults = PRODUCTION if production else DEFAULTS
    limits = Limits(
        **{
            limit: _read_number(given, name, getattr(defaults, limit), low, high)
            for limit, (name, low, high) in LIMITS.items()
        }
    )
    if limits.cost_per_second and limits.cost_burst < limits.cost:
        raise SettingsError("COST_BURST must not be less than MAX_COST")
    if limits.pool_seconds > limits.request_seconds:
        raise SettingsError("POOL_SECONDS must not be more than REQUEST_SECONDS")
    return limits


def _read_choice(
    given: Mapping[str, str], name: str, choices: Sequence[str], default: str = ""
) -> str:
    value = given.get(name, default or choices[0]).lower()
    if value not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value


def _read_dev_role(given: Mapping[str, str], host: str) -> str:
    loopback = is_loopback(host)
    if "DEV_ROLE" not in given:
        development = given.get("PROFILE", "").lower() != "production"
        return "operator" if development and loopback and "DATABASE_URL" not in given else "public"
    role = _read_choice(given, "DEV_ROLE", DEV_ROLES)
    if role != "public" and not loopback:
        raise SettingsError(f"DEV_ROLE={role} needs a HOST of loopback, not {host!r}")
    return role


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _refuse_unsafe(given: Mapping[str, str]) -> None:
    """Raise SettingsError for what development may do and production may not."""
    unsafe = {
        "needs DATABASE_URL: the embedded database is for development": "DATABASE_URL" not in given,
        "refuses DEV_ROLE: nobody acts without a token": "DEV_ROLE" in given,
        "refuses LOG_LEVEL=debug, which logs statements": given.get("LOG_LEVEL", "").lower()
        == "debug",
        "refuses COST_PER_SECOND=0: clients are counted": _is_zero(
            given.get("COST_PER_SECOND", "")
        ),
        "refuses OIDC_ISSUER and OIDC_JWKS_URL without https": any(
            not given.get(name, "https://").lower().startswith("https://")
            for name in ("OIDC_ISSUER", "OIDC_JWKS_URL")
        ),
    }
    for reason, holds in unsafe.items():
        if holds:
            raise SettingsError(f"PROFILE=production {reason}")


def _is_zero(number: str) -> bool:
    return set(number) == {"0"}


def _read_issuer(given: Mapping[str, str]) -> dict[str, Any]:
    found = {name.lower(): value for name, value in given.items() if name.startswith("OIDC_")}
    if found and not {"oidc_issuer", "oidc_audience"} <= found.keys():
        raise SettingsError("OIDC_ISSUER and OIDC_AUDIENCE need each other")
    known = {field.name for field in fields(Settings)}
    return {name: value for name, value in found.items() if name in known}


def _read_origins(given: Mapping[str, str], *, production: bool) -> tuple[str, ...]:
    origins = _read_list(given, "CORS_ORIGINS")
    for origin in origins:
        if origin == "*" and not production:
            continue
        if not ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"CORS_ORIGINS must list origins such as https://shop.example, not {shown(origin)!r}"
            )
        if production and not (origin.startswith("https://") or _is_local(origin)):
            raise SettingsError(f"PROFILE=production refuses CORS_ORIGINS without https: {origin}")
    return origins


def _is_local(origin: str) -> bool:
    return is_loopback(urlsplit(origin).hostname or "")


def _read_proxies(given: Mapping[str, str]) -> tuple[str, ...]:
    proxies = _read_list(given, "FORWARDED_ALLOW_IPS")
    for proxy in proxies:
        with suppress(ValueError):
            if ip_network(proxy).prefixlen:
                continue
        raise SettingsError(
            f"FORWARDED_ALLOW_IPS must list addresses or networks of proxies, not {proxy!r}"
        )
    return proxies


def _read_list(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    items = (item.strip().lower() for item in given.get(name, "").split(","))
    return tuple(item for item in items if item)


def _read_switch(given: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = given.get(name, "on" if default else "off").lower()
    if value not in ("on", "off"):
        raise SettingsError(f"{name} must be on or off, not {value!r}")
    return value == "on"


def mask(url: str) -> str:
    """Return a database's URL as it may be shown."""
    from sqlalchemy import make_url

    parsed = make_url(url)
    query = {name: "***" if "password" in name else value for name, value in parsed.query.items()}
    return parsed.set(query=query).render_as_string(hide_password=True)
