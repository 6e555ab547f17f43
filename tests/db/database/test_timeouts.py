"""The session settings of reading connections."""

from models.database.engines import Database


def test_plans_of_reads_are_not_compiled(fresh: Database) -> None:
    """PostgreSQL overestimates statements with many look-ups, and would compile them."""
    with fresh.reader() as connection:
        assert connection.exec_driver_sql("show jit").scalar_one() == "off"
