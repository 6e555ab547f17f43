"""Persisted queries: documents that a client names by the SHA-256 of their text.

(Apollo's automatic persisted queries, version 1.) A client sends the hash alone; where it is not known,
the client sends the text with its hash, which is kept from then on. Trusted documents are known by the
same hash. Each process keeps its own texts, of a bounded size in all: where that is full, the client
that holds the most loses what it used least recently.
"""

from collections import OrderedDict
from dataclasses import dataclass

from graphql import GraphQLError

from graph.admission.rate_limit import client_of
from graph.answer import Answer, Request
from graph.context import Viewer
from graph.error_code import ErrorCode
from graph.errors import RequestError
from graph.execution.engine import CHARACTER, Engine
from graph.execution.trusted_documents import NONE, SHA256, TrustedDocuments

# Characters of all texts that are kept, with what else an entry takes; and of one text.
MAX_SIZE, OVERHEAD = 2_000_000, 500
MAX_TEXT = MAX_SIZE // 10
# What a client is charged for a document that it registers, beside its characters.
REGISTERING = 500


class PersistedQueryNotFound(RequestError):
    """A hash of which no text is known. Clients know the message, and send the text."""

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND


class PersistedQueryNotSupported(RequestError):
    """A hash of no trusted document, where none is registered. Clients know the message."""

    code = ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED


@dataclass(frozen=True, slots=True)
class Registered:
    """A text and the client that registered it."""

    text: str
    client: str

    @property
    def size(self) -> int:
        """What it counts for, in characters."""
        return len(self.text) + OVERHEAD


class PersistedQueries:
    """Texts by the hexadecimal SHA-256 of their UTF-8: those registered here, and trusted documents.

    `registering` is off where only trusted documents have a hash. For one event loop.
    """

    def __init__(
        self,
        trusted: TrustedDocuments = NONE,
        *,
        registering: bool = True,
        max_size: int = MAX_SIZE,
    ) -> None:
        self.trusted = trusted
        self.registering = registering and not trusted.only
        self._max_size = max_size
        self._registered: dict[str, Registered] = {}
        self._hashes_of: dict[str, OrderedDict[str, None]] = {}
        self._size_of: dict[str, int] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._registered)

    async def answer(self, engine: Engine, request: Request, viewer: Viewer) -> Answer:
        """The engine's answer; a document that came with its hash is registered once it has a price."""
        text, digest = request.query, request.digest
        if not digest or not self.accepts(digest, text):
            return await engine.answer(request, viewer)
        try:
            engine.charge(viewer, REGISTERING + len(text) * CHARACTER)
        except GraphQLError as error:
            return Answer(None, [error], executed=False)
        answer = await engine.answer(request, viewer)
        # What has a price is valid, and this client may read it.
        if answer.price is not None:
            self.register(digest, text, client_of(viewer))
        return answer

    def text_of(self, digest: str) -> str:
        """The text of this hash; raises PersistedQueryNotFound or PersistedQueryNotSupported."""
        text = self.trusted.texts.get(SHA256 + digest)
        if text is not None:
            return text
        found = self._registered.get(digest)
        if found is not None:
            self._hashes_of[found.client].move_to_end(digest)
            return found.text
        if not self.registering:
            raise PersistedQueryNotSupported("PersistedQueryNotSupported")
        raise PersistedQueryNotFound("PersistedQueryNotFound")

    def accepts(self, digest: str, text: str) -> bool:
        """Whether this text is to be kept, which is neither known by its hash nor too long."""
        known = digest in self._registered or SHA256 + digest in self.trusted.texts
        return self.registering and not known and len(text) <= MAX_TEXT

    def register(self, digest: str, text: str, client: str) -> None:
        """Keep a text that is accepted for a client, and forget others where there are too many."""
        if not self.accepts(digest, text):
            # Another request registered it in the meantime.
            return
        entry = self._registered[digest] = Registered(text, client)
        self._hashes_of.setdefault(client, OrderedDict())[digest] = None
        self._size_of[client] = self._size_of.get(client, 0) + entry.size
        self._size += entry.size
        while self._size > self._max_size:
            self._forget(max(self._size_of, key=self._size_of.__getitem__))

    def _forget(self, client: str) -> None:
        """Of a client, the text that was used least recently."""
        hashes = self._hashes_of[client]
        digest, _ = hashes.popitem(last=False)
        size = self._registered.pop(digest).size
        self._size -= size
        self._size_of[client] -= size
        if not hashes:
            del self._hashes_of[client], self._size_of[client]
