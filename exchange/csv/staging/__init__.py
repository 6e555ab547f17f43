"""The temporary table that a whole file is copied into before any row is merged."""
