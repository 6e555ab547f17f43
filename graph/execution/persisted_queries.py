"""Persisted queries: documents that a client names by the SHA-256 of their text.

(Apollo's automatic persisted queries, version 1.) A client sends only the hash; if the server does not
know it, the client sends the text with the hash, and the server registers it. Trusted documents have the
same hashes. Each process has its own registry of a bounded size: when it is full, it evicts the least
recently used text of the client that holds the most.
"""

from collections import OrderedDict
from dataclasses import dataclass

from graphql import GraphQLError

from graph.admission.rate_limit import client_of
from graph.answer import Answer, Request
from graph.context import Viewer
from graph.error_code import ErrorCode
from graph.errors import RequestError
from graph.execution.engine import Engine
from graph.execution.operations import CHARACTER_COST
from graph.execution.trusted_documents import NO_TRUSTED_DOCUMENTS, SHA256, TrustedDocuments

MAX_REGISTRY_SIZE = 2_000_000
"""Characters of all registered texts, with the overhead of each."""
REGISTRY_OVERHEAD = 500
"""Characters that a registered text counts for beside its own."""
MAX_REGISTERED_TEXT = MAX_REGISTRY_SIZE // 10
REGISTRATION_COST = 500
"""The cost of registering a document, beside that of its characters."""


class PersistedQueryNotFound(RequestError):
    """An unknown hash. Clients recognise this message, and send the text."""

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND


class PersistedQueryNotSupported(RequestError):
    """An unknown hash, on a server that registers no documents. Clients recognise this message."""

    code = ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered text and its client."""

    text: str
    client: str

    @property
    def size(self) -> int:
        """The size of the entry in characters."""
        return len(self.text) + REGISTRY_OVERHEAD


class PersistedQueries:
    """Registered texts and trusted documents by the hexadecimal SHA-256 of their UTF-8.

    Without `registering`, only trusted documents have a hash. For one event loop.
    """

    def __init__(
        self,
        trusted: TrustedDocuments = NO_TRUSTED_DOCUMENTS,
        *,
        registering: bool = True,
        max_size: int = MAX_REGISTRY_SIZE,
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
        """Return the engine's answer; register a valid document that came with its hash."""
        text, digest = request.query, request.digest
        if not digest or not self.accepts(digest, text):
            return await engine.answer(request, viewer)
        try:
            engine.take_cost(viewer, REGISTRATION_COST + len(text) * CHARACTER_COST)
        except GraphQLError as error:
            return Answer(None, [error], executed=False)
        answer = await engine.answer(request, viewer)
        # An answer with a price is that of a valid document whose fields this client may use.
        if answer.cost is not None:
            self.register(digest, text, client_of(viewer))
        return answer

    def text_of(self, digest: str) -> str:
        """Return the text of a hash; raises PersistedQueryNotFound or PersistedQueryNotSupported."""
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
        """Return whether a text may be registered: it is new and not too long."""
        known = digest in self._registered or SHA256 + digest in self.trusted.texts
        return self.registering and not known and len(text) <= MAX_REGISTERED_TEXT

    def register(self, digest: str, text: str, client: str) -> None:
        """Register a text for a client; evict others if the registry is full."""
        if not self.accepts(digest, text):
            # Another request has registered it since.
            return
        entry = self._registered[digest] = Registered(text, client)
        self._hashes_of.setdefault(client, OrderedDict())[digest] = None
        self._size_of[client] = self._size_of.get(client, 0) + entry.size
        self._size += entry.size
        while self._size > self._max_size:
            self._forget(max(self._size_of, key=self._size_of.__getitem__))

    def _forget(self, client: str) -> None:
        """Evict the least recently used text of a client."""
        hashes = self._hashes_of[client]
        digest, _ = hashes.popitem(last=False)
        size = self._registered.pop(digest).size
        self._size -= size
        self._size_of[client] -= size
        if not hashes:
            del self._hashes_of[client], self._size_of[client]
