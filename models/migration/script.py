"""Run an SQL script of a migration."""

from pathlib import Path

from sqlalchemy import Connection

from models.migration.schema_file import statements


def run_script(connection: Connection, path: str | Path) -> None:
    """Run a script, or the .sql file beside a Python module, in the transaction of the connection."""
    script = Path(path).with_suffix(".sql").read_text(encoding="utf-8")
    # Without parameters the driver leaves percent signs and colons as they are.
    connection.exec_driver_sql(
        statements(script), execution_options={"no_parameters": True}
    ).close()
