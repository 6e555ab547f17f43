"""The headers of an HTTP request, by name in lower case, as ASGI has them."""

from collections.abc import Iterable

Headers = dict[bytes, bytes]


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of a request by name; lines of one header are joined."""
    lines = raw if isinstance(raw, list) else list(raw)
    fields = dict(lines)
    if len(fields) == len(lines):
        return fields
    joined: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        joined.setdefault(name, []).append(value)
    return {name: b", ".join(values) for name, values in joined.items()}
