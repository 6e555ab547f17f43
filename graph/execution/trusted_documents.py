"""Trusted documents, which a client names by `documentId` instead of sending them.

(GraphQL over HTTP, appendix A.) The server reads them once, from *.graphql files or from a JSON manifest;
it parses, validates and plans each of them, and never evicts one. It does not start with an invalid one.
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
from graph.errors import RequestError
from graph.execution.engine import Engine

SHA256 = "sha256:"


class DocumentNotFound(RequestError):
    """An unknown `documentId`."""

    code = "PERSISTED_DOCUMENT_NOT_FOUND"


class DocumentNotTrusted(RequestError):
    """A document that is not trusted, on a server that executes only trusted ones."""

    code = "DOCUMENT_NOT_TRUSTED"
    hint = "Name a trusted document by its `documentId`."


class UnusableDocuments(Exception):
    """Trusted documents that are unreadable or invalid; the message is one line with the file."""


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """Texts by identifier, and the source of each text.

    `only`: the server executes no other documents.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    only: bool = False

    def text_of(self, identifier: str) -> str:
        """Return the document of this identifier; raises DocumentNotFound."""
        text = self.texts.get(identifier)
        if text is None:
            raise DocumentNotFound("No trusted document has this `documentId`.")
        return text

    def check(self, text: str) -> None:
        """Raise DocumentNotTrusted if clients may not send this document."""
        if self.only and text not in self.sources:
            raise DocumentNotTrusted("This server executes only trusted documents.")

    def preload(self, engine: Engine) -> None:
        """Cache and plan each operation; raises UnusableDocuments."""
        for text, source in self.sources.items():
            try:
                _preload(engine, text)
            except InvalidDocument as invalid:
                raise _unusable(source, invalid.errors[0]) from None
            except GraphQLError as error:
                raise _unusable(source, error) from None


NO_TRUSTED_DOCUMENTS = TrustedDocuments()


def load_trusted_documents(path: Path | None, *, only: bool = False) -> TrustedDocuments:
    """Read the documents of a folder of *.graphql files, of one such file, or of a JSON manifest.

    The identifier of a document is `sha256:` and the SHA-256 of its bytes; those of a manifest have their
    own identifier too. Without a path, there are no documents. Raises UnusableDocuments.
    """
    if path is None:
        return NO_TRUSTED_DOCUMENTS
    texts: dict[str, str] = {}
    sources: dict[str, str] = {}
    for identifier, text, source in _found(path):
        hashed = SHA256 + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if identifier.startswith(SHA256) and identifier != hashed:
            raise UnusableDocuments(f"{source}: the text's identifier is {hashed}")
        texts |= {identifier or hashed: text, hashed: text}
        sources.setdefault(text, source)
    if not texts:
        raise UnusableDocuments(f"{path}: contains no document")
    return TrustedDocuments(texts, sources, only)


def _found(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield identifier, text and source of each document; the identifier of a file is empty."""
    files = sorted(path.rglob("*.graphql")) if path.is_dir() else [path]
    for file in files:
        try:
            content = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise UnusableDocuments(f"{file}: is not valid UTF-8") from None
        except OSError as error:
            raise UnusableDocuments(f"{file}: {error.strerror}") from None
        if file.suffix == ".json":
            for identifier, text in _manifest(content, file).items():
                yield identifier, text, f"{file}: {identifier}"
        else:
            yield "", content, str(file)


def _manifest(content: str, file: Path) -> dict[str, str]:
    """Return the texts of a manifest by identifier, in the format of Relay or of Apollo."""
    try:
        value: Any = json.loads(content)
        if isinstance(value, dict) and isinstance(value.get("operations"), list):
            value = {operation["id"]: operation["body"] for operation in value["operations"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UnusableDocuments(f"{file}: expected a JSON object of documents by identifier")
    return value


def _preload(engine: Engine, text: str) -> None:
    names = _operations(text)
    operations = [engine.preload(Request(text, operation_name=name)) for name in names]
    if len(operations) == 1:
        # A client need not name the only operation of a document.
        engine.plans.pin(text, None, operations[0])


def _operations(text: str) -> list[str | None]:
    """Return the names of a document's operations; [None] for a document that cannot be parsed."""
    try:
        definitions = parse(text).definitions
    except (GraphQLError, RecursionError):
        return [None]
    operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
    return [operation.name.value if operation.name else None for operation in operations] or [None]


def _unusable(source: str, error: GraphQLError) -> UnusableDocuments:
    line = f", line {error.locations[0].line}" if error.locations else ""
    return UnusableDocuments(f"{source}{line}: {error.message.splitlines()[0]}")
