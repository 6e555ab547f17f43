"""Audits: bundles with proofs, verification of a database, findings."""
