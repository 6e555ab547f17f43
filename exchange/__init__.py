"""Documents in and out of the database."""
