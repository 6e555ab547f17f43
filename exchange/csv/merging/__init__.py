"""Staged rows into the tables: set-based merges and the checks before them."""
