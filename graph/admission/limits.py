"""How large and how costly a request may be, and how long it may take."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server allows. Counts are of a whole document, fragments where they are spread."""

    body: int = 100_000
    """Bytes of a request's body, or of a URL's query."""
    tokens: int = 10_000
    """Tokens of a document; as many fields, where fragments make them more."""
    depth: int = 30
    """Levels of fields beneath an operation that have fields of their own."""
    aliases: int = 100
    directives: int = 50
    directives_of_one: int = 5
    """Directives in one place."""
    root_fields: int = 50
    """Fields of one operation's root."""
    repeated_fields: int = 100
    """Fields that stand again in the same place."""
    definitions: int = 200
    """Operations and fragments of a document."""
    fragments: int = 200
    """Spreads of fragments."""
    objects: int = 200
    """Objects, connections and lists of a plan."""
    filter_depth: int = 20
    """Levels of objects within a filter."""
    conditions: int = 200
    """Comparisons, and steps into relations, of all filters of an operation."""
    node_ids: int = 100
    """Ids of one `nodes` field."""
    listed_products: int = 1_000
    """Products that one GET /api/products lists; beyond them it names the address of the next ones."""
    cost: int = 5_000_000
    """What one request may cost; see graph/planner/cost.py."""
    cost_burst: int = 5_000_000
    """What one client may spend at once."""
    cost_per_second: int = 0
    """What one client may spend a second in the long run; 0: clients are not counted."""
    cost_of_second: int = 100_000
    """What a second of a database connection, or of computing, costs beyond what was paid; 0: nothing."""
    client_connections: int = 0
    """Connections of a process that one client may use at a time; 0: a quarter, or half where clients are not counted."""
    request_seconds: int = 15
    """How long a request may take, whatever it waits for."""
    pool_seconds: int = 5
    """How long a request waits for a connection to the database."""
    idempotency_hours: int = 72
    """How long an idempotency key is remembered."""

    def shared(self, workers: int) -> "Limits":
        """Return the limits of one of several processes, each of which counts what it sees of a client.

        The burst stays large enough for any request that is allowed at all.
        """
        burst = max(self.cost_burst // workers, self.cost)
        rate = -(-self.cost_per_second // workers)
        return replace(self, cost_burst=burst, cost_per_second=rate)


DEFAULTS = Limits()
