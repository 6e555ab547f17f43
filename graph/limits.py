"""How large a request may be before anything is done for it."""

MAX_BODY = 100_000
"""Bytes of a request's body."""
MAX_TOKENS = 10_000
"""Tokens of a document."""
MAX_DEPTH = 30
"""Levels of fields beneath an operation."""
MAX_OBJECTS = 200
"""Objects, connections and lists of a plan, each fragment counted where it is spread."""
MAX_FILTER_DEPTH = 20
"""Levels of objects within a filter."""
MAX_NODE_IDS = 100
"""Ids of one `nodes` field."""
