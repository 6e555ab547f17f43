"""A TCP proxy between the server and PostgreSQL's socket: it passes on, stalls, cuts or half-closes."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

ABORT = struct.pack("ii", 1, 0)


class Mode(Enum):
    """What becomes of bytes, and of new connections."""

    PASS = "pass"
    STALL = "stall"
    REFUSE = "refuse"


class Proxy:
    """Listens on a free port of 127.0.0.1, in a thread with an event loop of its own."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._mode = Mode.PASS
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = self._call(self._listen())

    def _call(self, work: "Coroutine[Any, Any, int]") -> int:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> int:
        self._passing.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.REFUSE:
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_unix_connection(self._target)
        except OSError:
            _reset(writer)
            return
        pair = (writer, back)
        self._pairs.add(pair)
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._pairs.discard(pair)
        for end in pair:
            end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Behind a half-close nothing more may be written.
        with suppress(OSError, RuntimeError):
            while data := await reader.read(65536):
                await self._passing.wait()
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.write_eof()

    def set(self, mode: Mode) -> None:
        """From now on do this."""

        async def change() -> int:
            self._mode = mode
            if mode is Mode.STALL:
                self._passing.clear()
            else:
                self._passing.set()
            return 0

        self._call(change())

    def cut(self) -> int:
        """Reset every connection, whatever is under way on it; how many there were."""

        async def reset() -> int:
            pairs = list(self._pairs)
            for client, postgres in pairs:
                _reset(client)
                postgres.close()
            return len(pairs)

        return self._call(reset())

    def half_close(self) -> int:
        """Tell the server on every connection that nothing more comes, and listen on."""

        async def half() -> int:
            pairs = list(self._pairs)
            for client, _ in pairs:
                with suppress(OSError):
                    client.write_eof()
            return len(pairs)

        return self._call(half())

    def close(self) -> None:
        """Cut everything and end."""
        self.cut()
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once and with a reset, as a host that went down does."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    writer.transport.abort()
