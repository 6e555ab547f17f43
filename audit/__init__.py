"""Audits: bundles of a product with proofs, verification of a whole database, and lists of findings."""
