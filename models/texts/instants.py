"""Points in time as texts: RFC 3339, and what else of ISO 8601 a file may have."""

import re
from datetime import UTC, datetime

# What a column of PostgreSQL, and a datetime of Python, holds of a second.
DIGITS = 6
FRACTION = re.compile(r"[.,]([0-9]+)")


def read_instant(text: str, *, utc_if_unsaid: bool = False) -> datetime:
    """Return the instant of a text in UTC; `t` and `z` are as good as capitals (RFC 3339, section 5.6).

    Raises ValueError with words for the caller: where there is no such time, no offset, or more
    digits of a second than are kept.
    """
    text = text.upper()
    fraction = FRACTION.search(text)
    if fraction and len(fraction[1]) > DIGITS:
        raise ValueError(f"a second has at most {DIGITS} decimals")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("there is no such date and time") from None
    if moment.tzinfo is None:
        if not utc_if_unsaid:
            raise ValueError("an offset is missing; add Z for UTC")
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("it lies outside of the years 1 to 9999") from None
