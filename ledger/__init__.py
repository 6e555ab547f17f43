"""The ledger: a transparency log over events, with signed checkpoints (RFC 9162, C2SP).

Each event becomes a leaf of a Merkle tree. The integrator appends leaves and signs checkpoints; the verifier, one
file without other imports of the project, checks proofs, checkpoints and exported bundles.
"""
