"""The roles of callers, the sets of roles that fields are open to, and their names in words."""

from typing import TypeAlias

Roles: TypeAlias = frozenset[str]

PUBLIC, VIEWER, OPERATOR, AUDITOR, ADMIN = ROLES = (
    "public",
    "viewer",
    "operator",
    "auditor",
    "admin",
)

ANYONE: Roles = frozenset(ROLES)
"""The provenance of products."""
SIGNED_IN: Roles = ANYONE - {PUBLIC}
"""Commercial data: kilograms between companies, details of events, geometry of plots."""
STAFF: Roles = SIGNED_IN - {VIEWER}
"""Personal data (contacts, producers, authors) and audit findings."""
WRITERS: Roles = frozenset({OPERATOR, ADMIN})
OVERSEERS: Roles = frozenset({AUDITOR, ADMIN})
ADMINS: Roles = frozenset({ADMIN})
NOBODY: Roles = frozenset()


def listed(roles: Roles) -> str:
    """Return the roles in words, from the least to the most privileged."""
    return ", ".join(role for role in ROLES if role in roles) or "nobody"
