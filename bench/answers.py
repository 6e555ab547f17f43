"""Answers as plain data: each dialect's wrappings off, so that equal data compares equal.

Only what names or encodes differently is undone; lists keep their order, values their type.
"""

import base64
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

WRAPPERS = ({"nodes"}, {"cacaoBatch"}, {"product"})


def unwrapped(content: bytes) -> Any:
    """Return the `data` of a response; raises ValueError where it has errors."""
    return {name: _plain(value) for name, value in data_of(content).items()}


def data_of(content: bytes) -> dict[str, Any]:
    """Return the `data` of an answer, without its extensions; raises ValueError."""
    body = json.loads(content)
    if not isinstance(body, dict) or not {"data"} <= set(body) <= {"data", "extensions"}:
        raise ValueError(f"not an answer: {content[:500].decode('utf-8', 'replace')}")
    data: dict[str, Any] = body["data"]
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) in WRAPPERS:
        return _plain(next(iter(value.values())))
    return {name: _scalar(name, member) for name, member in value.items()}


def _scalar(name: str, value: Any) -> Any:
    if value is None:
        return None
    match name:
        case "timestamp":
            return datetime.fromisoformat(value)
        case "quantityKg":
            return Decimal(str(value))
        case "endCursor":
            return _key_of(value)
        case "details":
            return json.loads(value) if isinstance(value, str) else value
    return _plain(value)


def _key_of(cursor: str) -> int:
    """Every cursor here ends with the product's number."""
    return int(cursor if cursor.isdigit() else json.loads(base64.b64decode(cursor))[-1])
