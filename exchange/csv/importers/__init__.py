"""Declarations of what can be imported: one module for each kind of file."""
