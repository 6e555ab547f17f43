"""Pages of what is computed: keys in order, and a window of them between cursors."""

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

ListingKey: TypeAlias = tuple[int, ...]
Shown: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Listed:
    """Entries by their sorted keys; `show` gives what is known of one: facts, and keys of members."""

    keys: Sequence[ListingKey]
    show: Callable[[ListingKey], Shown]


@dataclass(frozen=True)
class LineageResult:
    """What is computed of one row; a listing is made when it is asked for."""

    facts: Mapping[str, Any]
    listings: Mapping[str, Callable[[], Listed]]


@dataclass(frozen=True)
class ListingWindow:
    """The entries of a page, and whether others precede or follow."""

    keys: Sequence[ListingKey]
    has_previous_page: bool
    has_next_page: bool


def window(
    keys: Sequence[ListingKey],
    limit: int,
    backward: bool,
    after: ListingKey | None,
    before: ListingKey | None,
) -> ListingWindow:
    """At most `limit` keys behind `after` and ahead of `before`, from the start or from the end."""
    low = 0 if after is None else bisect_right(keys, after)
    high = len(keys) if before is None else max(low, bisect_left(keys, before))
    if backward:
        low = max(low, high - limit)
    else:
        high = min(high, low + limit)
    return ListingWindow(keys[low:high], low > 0, high < len(keys))


def write_cursor(scope: str, key: ListingKey) -> str:
    """Return a cursor as graph.pagination reads it."""
    text = json.dumps([scope, *key], separators=(", ", ": "))
    return base64.b64encode(text.encode()).decode()
