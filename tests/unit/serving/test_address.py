"""Addresses of PostgreSQL's hosts are looked up in a thread, within a bound."""

import asyncio
import socket
import threading

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from models.database import addresses as address
from models.database.addresses import Addresses
from tests.bounds import within

KNOWN = {"one": ["192.0.2.1", "2001:db8::1"], "two": ["192.0.2.2"]}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide a resolver that knows KNOWN."""

    def resolve(host: str, _port: None, type: int) -> list[tuple[object, ...]]:
        if host not in KNOWN:
            raise socket.gaierror("unknown")
        return [(0, type, 0, "", (found, 0)) for found in KNOWN[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def found(dsn: str) -> dict[str, str]:
    return parse_dsn(asyncio.run(Addresses(dsn).dsn()))


@pytest.mark.parametrize(
    "dsn",
    [
        "host=/tmp dbname=x",
        "host=192.0.2.7",
        "host=2001:db8::2",
        "dbname=x",
        "host=@abstract",
        "host=one hostaddr=192.0.2.9",
    ],
)
def test_what_is_no_name_stays_as_it_is(names: None, dsn: str) -> None:
    assert asyncio.run(Addresses(dsn).dsn()) == dsn


def test_host_name_is_kept_for_verification(names: None) -> None:
    assert found("host=two sslmode=verify-full") == {
        "host": "two",
        "hostaddr": "192.0.2.2",
        "port": "",
        "sslmode": "verify-full",
    }


def test_every_address_of_every_host_is_tried_at_its_port(names: None) -> None:
    assert found("host=one,/tmp,two,192.0.2.7 port=1,2,3,4") == {
        "host": "one,one,/tmp,two,192.0.2.7",
        "hostaddr": "192.0.2.1,2001:db8::1,,192.0.2.2,",
        "port": "1,1,2,3,4",
    }


def test_one_port_is_that_of_all_hosts(names: None) -> None:
    assert found("host=one,two port=7")["port"] == "7,7,7"


def test_host_that_is_unknown_is_left_out(names: None) -> None:
    assert found("host=nowhere,two port=1,2") == {
        "host": "two",
        "hostaddr": "192.0.2.2",
        "port": "2",
    }


def test_no_address_at_all_is_an_operational_error(names: None) -> None:
    with pytest.raises(psycopg2.OperationalError, match="could not find the database's address"):
        found("host=nowhere")


def test_look_up_that_hangs_is_begun_once_and_does_not_hold_up_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    release = threading.Event()

    def hang(host: str) -> list[str]:
        calls.append(host)
        assert release.wait(within(10))
        return ["192.0.2.1"]

    monkeypatch.setattr(address, "addresses_of", hang)

    async def main() -> None:
        addresses = Addresses("host=one")
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(addresses.dsn(), 0.05)
        release.set()
        assert "192.0.2.1" in await addresses.dsn()

    asyncio.run(main())
    assert calls == ["one"]
