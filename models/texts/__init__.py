"""The normal form of names and identifiers, the names of schemes, and case folding."""
