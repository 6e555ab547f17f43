"""The ledger: a transparency log of events, with signed checkpoints.

Each event becomes a leaf of a Merkle tree. The integrator appends leaves and signs checkpoints; the verifier,
one file without other imports of the project, checks proofs, checkpoints and exported bundles.
"""
