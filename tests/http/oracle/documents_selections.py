"""Random selection sets: fields, aliases, arguments, fragments, directives, merged fields."""

from dataclasses import dataclass

from graphql import (
    GraphQLBoolean,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

from tests.http.oracle.documents_arguments import Arguments
from tests.http.oracle.documents_literals import Literals
from tests.http.oracle.documents_scope import Chosen, Level, Scope
from tests.http.oracle.documents_values import Values
from tests.http.oracle.oracle_pages import Cursors

Composite = GraphQLObjectType | GraphQLInterfaceType

# No row answers these, and the oracle knows of rows alone.
NO_ROWS = {("Query", "viewer"), ("CacaoBatch", "impact")}
NO_ROWS |= {(of, "auditFindings") for of in ("Query", "Product", "CacaoBatch", "Supplier")}
NO_ROWS |= {("Query", "ledger"), ("Transaction", "proof")}
NO_ROWS |= {(lot, name) for lot in ("CacaoBatch", "Product") for name in ("trace", "origins")}
ALIASES = ("a", "b", "c", "name", "nodes", "total", "x" * 70)


@dataclass(frozen=True)
class Fragment:
    name: str
    on: str
    body: str
    level: Level
    scope: Scope


class Selections:
    """Writes the selection sets of one document, at most `fields` fields or little more."""

    def __init__(
        self,
        schema: GraphQLSchema,
        values: Values,
        literals: Literals,
        cursors: Cursors,
        fields: int,
    ) -> None:
        self.fragments: list[Fragment] = []
        self._schema = schema
        self._values = values
        self._rng = values.rng
        self._literals = literals
        self._arguments = Arguments(schema, values, literals, cursors)
        self._left = fields
        self._names = 0

    def write(self, owner: Composite, scope: Scope, level: Level, count: int) -> str:
        """Return a selection set of this many selections, in braces."""
        parts = [self._selection(owner, scope, level) for _ in range(count)]
        return "{ " + " ".join(parts) + " }"

    def _some(self, owner: Composite, scope: Scope, level: Level) -> str:
        count = self._rng.randint(1, 5) if self._left > 0 else 1
        return self.write(owner, scope, level, count)

    def _selection(self, owner: Composite, scope: Scope, level: Level) -> str:
        draw = self._rng.random()
        if draw < (0.6 if isinstance(owner, GraphQLInterfaceType) else 0.07) and self._left > 0:
            return self._inline(owner, scope, level)
        if draw > 0.92 and self._left > 0:
            return self._spread(owner, scope, level)
        return self._field(owner, scope, level)

    # ---------------------------------------------------------------- fragments

    def _inline(self, owner: Composite, scope: Scope, level: Level) -> str:
        on = self._condition(owner)
        shown = f" on {on.name}" if on is not owner or self._values.chance(0.5) else ""
        self._left -= 1
        return f"...{shown}{self._directives()} {self._some(on, scope, level)}"

    def _condition(self, owner: Composite) -> Composite:
        """Return a type that objects of this one may have: itself, its interface, or one of many."""
        if isinstance(owner, GraphQLInterfaceType):
            conditions: list[Composite] = [owner, *self._schema.get_possible_types(owner)]
        else:
            conditions = [owner, owner, *owner.interfaces]
        return self._rng.choice(conditions)

    def _spread(self, owner: Composite, scope: Scope, level: Level) -> str:
        fragment = self._finished(owner, scope, level) or self._fragment(owner, level)
        if not scope.agrees(fragment.scope):
            return "__typename"
        scope.absorb(fragment.scope)
        return f"...{fragment.name}{self._directives()}"

    def _finished(self, owner: Composite, scope: Scope, level: Level) -> Fragment | None:
        fitting = [
            fragment
            for fragment in self.fragments
            if fragment.on in {owner.name, *(one.name for one in owner.interfaces)}
            and fragment.level.rows >= level.rows
            and fragment.level.depth <= level.depth
            and scope.agrees(fragment.scope)
        ]
        return self._rng.choice(fitting) if fitting and self._values.chance(0.7) else None

    def _fragment(self, owner: Composite, level: Level) -> Fragment:
        self._left -= 1
        on, scope = self._condition(owner), Scope()
        body = self._some(on, scope, level)
        fragment = Fragment(f"F{len(self.fragments)}", on.name, body, level, scope)
        self.fragments.append(fragment)
        return fragment

    def _directives(self) -> str:
        shown = ""
        for name, kept in (("include", True), ("skip", False)):
            if self._values.chance(0.05):
                value = kept if self._values.chance(0.65) else not kept
                shown += (
                    f" @{name}(if: {self._literals.write(value, GraphQLNonNull(GraphQLBoolean))})"
                )
        return shown

    # ---------------------------------------------------------------- fields

    def _field(self, owner: Composite, scope: Scope, level: Level) -> str:
        self._left -= 1
        name = self._choose(owner, level)
        if name == "__typename":
            return f"{self._alias()}: __typename" if self._values.chance(0.2) else "__typename"
        definition = owner.fields[name]
        key = self._key(owner, scope, name)
        chosen = scope.fields.get((owner.name, key))
        if chosen is None:
            arguments, inner = self._arguments.draw(owner.name, name, definition, level)
            chosen = Chosen(name, arguments, inner, Scope())
            scope.fields[owner.name, key] = chosen
        start = name if key == name else f"{key}: {name}"
        below = get_named_type(definition.type)
        body = ""
        if isinstance(below, (GraphQLObjectType, GraphQLInterfaceType)):
            body = " " + self._some(below, chosen.below, chosen.level)
        return f"{start}{chosen.arguments}{self._directives()}{body}"

    def _choose(self, owner: Composite, level: Level) -> str:
        if self._values.chance(0.06):
            return "__typename"
        leaves: list[str] = []
        inner: list[str] = []
        for name, definition in owner.fields.items():
            if (owner.name, name) in NO_ROWS:
                continue
            (leaves if is_leaf_type(get_named_type(definition.type)) else inner).append(name)
        within = owner.name.endswith(("Connection", "Edge"))
        deeper = bool(inner) and (within or level.depth > 0)
        if deeper and not leaves:
            return self._rng.choice(inner)
        if deeper and self._left > 0 and self._values.chance(0.75 if within else 0.45):
            return self._rng.choice(inner)
        return self._rng.choice(leaves) if leaves else "__typename"

    def _key(self, owner: Composite, scope: Scope, name: str) -> str:
        """Return the response key: the name, an alias in use for the same field, or a new one."""
        key = self._rng.choice(ALIASES) if self._values.chance(0.1) else name
        taken = {other: chosen for (_, other), chosen in scope.fields.items()}
        if key not in taken:
            return key
        same = scope.fields.get((owner.name, key))
        if same is not None and same.name == name and self._values.chance(0.6):
            return key
        return self._alias()

    def _alias(self) -> str:
        self._names += 1
        return f"k{self._names}"
