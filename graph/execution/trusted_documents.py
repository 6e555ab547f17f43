"""Trusted documents: what a client may name by `documentId` instead of sending it.

(GraphQL over HTTP, appendix A.) Read once, from *.graphql files or from a manifest in JSON; then
parsed, validated, planned, and never forgotten. Refuses to start with a document that is not valid.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, parse

from graph.answer import Request
from graph.documents import InvalidDocument
from graph.error_code import ErrorCode
from graph.errors import RequestError
from graph.execution.engine import Engine
from graph.planner.plan_cache import Entry, Plans

SHA256 = "sha256:"


class DocumentNotFound(RequestError):
    """A `documentId` that names no trusted document."""

    code = ErrorCode.PERSISTED_DOCUMENT_NOT_FOUND


class DocumentNotTrusted(RequestError):
    """A document of the client's own where only trusted ones are answered."""

    code = ErrorCode.DOCUMENT_NOT_TRUSTED
    hint = "Name a trusted document by its `documentId`."


class UnusableDocuments(Exception):
    """Trusted documents that cannot be read or are not valid; one line that names the file."""


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """Texts by identifier; `only`: no other document is answered. `sources`: where a text stands."""

    texts: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    only: bool = False

    def text_of(self, identifier: str) -> str:
        """The document of this identifier; raises DocumentNotFound."""
        text = self.texts.get(identifier)
        if text is None:
            raise DocumentNotFound("No trusted document has this `documentId`.")
        return text

    def check(self, text: str) -> None:
        """Raises DocumentNotTrusted where a client may not send this document."""
        if self.only and text not in self.sources:
            raise DocumentNotTrusted("This server answers trusted documents only.")

    def teach(self, engine: Engine) -> None:
        """Have the engine plan each operation before it is asked for; raises UnusableDocuments."""
        if not self.sources:
            return
        plans = engine.plans = PinnedPlans()
        plans.pinning = True
        for text, source in self.sources.items():
            try:
                _teach(engine, plans, text)
            except InvalidDocument as invalid:
                raise _unusable(source, invalid.errors[0]) from None
            except GraphQLError as error:
                raise _unusable(source, error) from None
        plans.pinning = False


NONE = TrustedDocuments()


class PinnedPlans(Plans):
    """Plans of which those of trusted documents stay, however many others come by."""

    def __init__(self) -> None:
        super().__init__()
        self._pinned: dict[tuple[str, str | None], Entry] = {}
        self.pinning = False

    def __len__(self) -> int:
        return len(self._pinned) + super().__len__()

    def find(self, query: str, name: str | None) -> Entry | None:
        """The entry of an operation, if it is known."""
        return self._pinned.get((query, name)) or super().find(query, name)

    def add(self, query: str, name: str | None, entry: Entry) -> None:
        """Remember an entry, for good while trusted documents are learnt."""
        if self.pinning:
            self._pinned[query, name] = entry
        else:
            super().add(query, name, entry)


def load(path: Path | None, *, only: bool = False) -> TrustedDocuments:
    """The documents of a folder of *.graphql files, one such file, or a manifest in JSON, if given.

    A file's identifier is `sha256:` and the hash of its bytes; a manifest's documents have that one
    beside their own. Raises UnusableDocuments.
    """
    if path is None:
        return NONE
    texts: dict[str, str] = {}
    sources: dict[str, str] = {}
    for identifier, text, source in _found(path):
        hashed = SHA256 + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if identifier.startswith(SHA256) and identifier != hashed:
            raise UnusableDocuments(f"{source}: the text's identifier is {hashed}")
        texts |= {identifier or hashed: text, hashed: text}
        sources.setdefault(text, source)
    if not texts:
        raise UnusableDocuments(f"{path}: there is no document in it")
    return TrustedDocuments(texts, sources, only)


def _found(path: Path) -> Iterator[tuple[str, str, str]]:
    """Identifier, text and source of each document; the identifier is empty where none is given."""
    files = sorted(path.rglob("*.graphql")) if path.is_dir() else [path]
    for file in files:
        try:
            content = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise UnusableDocuments(f"{file}: this is not valid UTF-8") from None
        except OSError as error:
            raise UnusableDocuments(f"{file}: {error.strerror}") from None
        if file.suffix == ".json":
            for identifier, text in _manifest(content, file).items():
                yield identifier, text, f"{file}: {identifier}"
        else:
            yield "", content, str(file)


def _manifest(content: str, file: Path) -> dict[str, str]:
    """Texts by identifier: as Relay writes them, or Apollo with its list of `operations`."""
    try:
        value: Any = json.loads(content)
        if isinstance(value, dict) and isinstance(value.get("operations"), list):
            value = {operation["id"]: operation["body"] for operation in value["operations"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UnusableDocuments(f"{file}: expected a JSON object of documents by identifier")
    return value


def _teach(engine: Engine, plans: Plans, text: str) -> None:
    names = _operations(text)
    for name in names:
        engine.learn(Request(text, operation_name=name))
    only = plans.find(text, names[0]) if len(names) == 1 else None
    if only is not None:
        # The only operation of a document need not be named.
        plans.add(text, None, only)


def _operations(text: str) -> list[str | None]:
    """The names of a document's operations; None where it has none, or cannot be read at all."""
    try:
        definitions = parse(text).definitions
    except (GraphQLError, RecursionError):
        return [None]
    operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
    return [operation.name.value if operation.name else None for operation in operations] or [None]


def _unusable(source: str, error: GraphQLError) -> UnusableDocuments:
    line = f", line {error.locations[0].line}" if error.locations else ""
    return UnusableDocuments(f"{source}{line}: {error.message.splitlines()[0]}")
