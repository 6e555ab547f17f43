"""The plan of a file's columns, which is made before any row is read."""
