"""Run the SQL of a migration, with the procedures that the files of schema/ call."""

import re
from pathlib import Path

from sqlalchemy import Connection

from models.migration.schema_file import PARTS, statements


def run_script(connection: Connection, path: str | Path) -> None:
    """Run a script, or the .sql file beside a Python module, in the transaction of the connection."""
    run_statements(connection, Path(path).with_suffix(".sql").read_text(encoding="utf-8"))


def run_statements(connection: Connection, script: str) -> None:
    """Run SQL in the transaction of the connection; it may call the procedures of schema/."""
    procedures = schema_procedures()
    for text in (*procedures.values(), statements(script)):
        _run(connection, text)
    for name in procedures:
        _run(connection, f"drop procedure {name}")


def schema_procedures() -> dict[str, str]:
    """Return the procedures that make triggers, by name: schema.sql drops them at its end."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PARTS.glob("*.sql")))
    found = re.finditer(r"^create procedure (\w+)\(.*?^end \$\$;$", text, re.M | re.S)
    return {match[1]: match[0] for match in found}


def _run(connection: Connection, sql: str) -> None:
    # Without parameters the driver leaves percent signs and colons as they are.
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True}).close()
