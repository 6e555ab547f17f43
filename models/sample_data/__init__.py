"""Sample data: seeded, plausible, any size. README, tests and benchmarks share it."""

from models.sample_data.filling import (
    DEFAULT,
    OVERDRAWN,
    TABLES,
    DatabaseNotEmpty,
    SampleOverdrawn,
    SampleSize,
    add_arguments,
    fill,
    is_empty,
    run,
)

__all__ = [
    "DEFAULT",
    "OVERDRAWN",
    "TABLES",
    "DatabaseNotEmpty",
    "SampleOverdrawn",
    "SampleSize",
    "add_arguments",
    "fill",
    "is_empty",
    "run",
]
