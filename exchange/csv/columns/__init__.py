"""Which column of a file is read as which field, decided before any row is read."""
