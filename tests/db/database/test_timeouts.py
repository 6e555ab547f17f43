"""The session settings of reading connections."""

from models.database.engines import Database


def test_plans_of_reads_are_not_compiled(fresh: Database) -> None:
    """PostgreSQL expects more of a statement with many look-ups than it takes, and would compile it."""
    with fresh.reader() as connection:
        assert connection.exec_driver_sql("show jit").scalar_one() == "off"
