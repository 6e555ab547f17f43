"""Answers to operations that select nothing but the schema."""

from collections import OrderedDict
from typing import TypeAlias

IntrospectionKey: TypeAlias = tuple[str | None, ...]
MAX_INTROSPECTION_BYTES = 8_000_000
"""Bytes of all answers with their documents; the answer to the query of tools has half a megabyte."""
INTROSPECTION_OVERHEAD = 500
"""Bytes that an entry takes beside its answer and its document."""


class IntrospectionCache:
    """Answers by document, equal for all roles that may see the schema.

    Evicts the least recently used answer.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[IntrospectionKey, bytes] = OrderedDict()
        self._size = 0

    def find(self, key: IntrospectionKey) -> bytes | None:
        """Return the JSON of an answer's data; None if it is not cached."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def keep(self, key: IntrospectionKey, data: bytes) -> None:
        """Store the JSON of an answer's data."""
        if key in self._entries:
            return
        self._entries[key] = data
        self._size += _size_of(key, data)
        while self._size > MAX_INTROSPECTION_BYTES:
            self._size -= _size_of(*self._entries.popitem(last=False))


def _size_of(key: IntrospectionKey, data: bytes) -> int:
    return sum(len(part or "") for part in key) + len(data) + INTROSPECTION_OVERHEAD
