"""Merges: staged rows into the tables, each by a few statements over all rows.

A merge finds the stored rows, rejects rows that cannot be written, decides which of several rows with one key
counts, and writes.
"""
