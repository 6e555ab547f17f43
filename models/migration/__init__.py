"""Versions of the schema: schema.sql and its parts, migrations, and the checks before them."""
