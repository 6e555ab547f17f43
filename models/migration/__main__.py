"""Writes schema.sql from its parts: `python -m models.migration`."""

from models.migration.schema_file import SCHEMA, generate

if __name__ == "__main__":
    SCHEMA.write_text(generate(), encoding="utf-8")
