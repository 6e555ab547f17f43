"""The sample's time: days are counted from a fixed first one, never from today."""

from datetime import date, timedelta

FIRST = date(2023, 10, 1)
# Batches come in over this many days, products over the rest of them.
BATCH_DAYS = 960
PRODUCT_DAYS = (150, 1060)
LAST_DAY = 1110

DAYS = tuple(FIRST + timedelta(days=number) for number in range(LAST_DAY + 60))
TEXTS = tuple(day.isoformat() for day in DAYS)
MONTHS = tuple(day.month for day in DAYS)
# Edges were made known at the end of the day on which what they led to was made.
RECORDED = tuple(f"{day.isoformat()} 18:00+00" for day in DAYS)
BATCH_NUMBERS = tuple(f"L{day:%y%j}" for day in DAYS)


def count_days(value: date) -> int:
    """Return the day's number, as every array of the sample holds it."""
    return (value - FIRST).days


def write_clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}+00"
