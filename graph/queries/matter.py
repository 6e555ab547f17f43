"""Root fields about the rules of matter: holds, conversion factors, mass balance accounts."""

import strawberry

from graph.types import ConversionFactor, Hold, MassBalanceAccount
from graph.types.connection import Connection
from graph.types.node import connection


@strawberry.type
class MatterQuery:
    holds: Connection[Hold] = connection("Holds, released ones included.", of="Hold")
    conversion_factors: Connection[ConversionFactor] = connection(
        "What yields go by.", of="ConversionFactor"
    )
    mass_balance_accounts: Connection[MassBalanceAccount] = connection(
        "Mass balance accounts of all sites.", of="MassBalanceAccount"
    )
