"""The internals of uvicorn that serving/ overrides or reads: these tests fail where a version moves them."""

import asyncio
import inspect

import pytest
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState
from uvicorn.supervisors import Multiprocess

from serving.connection import BoundedProtocol
from serving.process import Protocol, Supervisor


@pytest.mark.parametrize(
    ("ours", "base"),
    [
        (BoundedProtocol, HttpToolsProtocol),
        (Protocol, HttpToolsProtocol),
        (Supervisor, Multiprocess),
    ],
)
def test_every_public_method_overrides_one_of_uvicorn(ours: type, base: type) -> None:
    names = [name for name, _ in vars(ours).items() if not name.startswith("_")]
    methods = [name for name in names if inspect.isfunction(getattr(ours, name))]
    assert methods
    for name in methods:
        overridden = getattr(base, name, None)
        assert overridden is not None, f"uvicorn has no {base.__name__}.{name}: see {ours}"
        assert list(inspect.signature(overridden).parameters) == list(
            inspect.signature(getattr(ours, name)).parameters
        ), name


def test_uvicorn_calls_what_is_overridden() -> None:
    protocol = inspect.getsource(HttpToolsProtocol) + inspect.getsource(RequestResponseCycle)
    assert "self.send_400_response(" in protocol
    assert "self.on_response(" in protocol
    assert "on_response=self.on_response_complete" in protocol
    supervisor = inspect.getsource(Multiprocess.run)
    assert "self.terminate_all()" in supervisor
    assert "self.join_all()" in supervisor
    assert "create_server(" in inspect.getsource(Server.startup)


def test_protocol_has_the_attributes_that_are_read() -> None:
    loop = asyncio.new_event_loop()
    try:
        config = Config(lambda: None)
        config.load()
        protocol = Protocol(config, ServerState(), {}, loop)
        for name in ("cycle", "flow", "parser", "transport", "timeout_keep_alive_task", "loop"):
            assert hasattr(protocol, name), name
        for name in ("connections", "default_headers"):
            assert hasattr(protocol.server_state, name), name
    finally:
        loop.close()
    cycle = inspect.getsource(RequestResponseCycle.__init__)
    for name in ("scope", "more_body", "response_complete"):
        assert f"self.{name} = " in cycle, name
