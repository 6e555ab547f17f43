"""Who may use what: one table of types, fields and mutations, read by the planner and the SDL.

A field that is not in the table is for nobody. An argument that filters or orders by a field, or
looks up by it, needs what reading that field needs.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema

from graph.errors import Forbidden, RequestError, Unauthenticated

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
"""What is commercial: kilograms between companies, what was said of an event, land."""
STAFF: Roles = SIGNED_IN - {VIEWER}
"""What is personal: who to ask, who farms, who recorded; and what is wrong, which is for who can mend it."""
WRITERS: Roles = frozenset({OPERATOR, ADMIN})
OVERSEERS: Roles = frozenset({AUDITOR, ADMIN})
ADMINS: Roles = frozenset({ADMIN})

NODES = "edges nodes pageInfo totalCount"

TABLE: Mapping[str, Mapping[Roles, str]] = {
    "Query": {
        ANYONE: "product products cacaoBatch cacaoBatches supplier suppliers manufacturer"
        " manufacturers transactions conversionFactors ledger node nodes viewer",
        SIGNED_IN: "holds massBalanceAccounts",
        STAFF: "auditFindings",
        OVERSEERS: "users apiKeys changes",
    },
    "Mutation": {
        ANYONE: "signIn",
        SIGNED_IN: "signOut changePassword",
        WRITERS: "createManufacturer updateManufacturer createSupplier updateSupplier"
        " createCacaoBatch updateCacaoBatch useCacaoBatch createProduct updateProduct"
        " recordTransaction recordLoss holdBatch releaseBatch createCertificate"
        " openMassBalanceAccount recordMassBalance",
        ADMINS: "createUser setRole createApiKey revokeApiKey",
    },
    "Product": {
        ANYONE: "id productId name description gtin batchNumber cocoaPercent productionDate"
        " manufacturer cacaoBatches transactions statements trace origins",
        SIGNED_IN: "onHold heldBy",
        STAFF: "auditFindings",
    },
    "CacaoBatch": {
        ANYONE: "id cacaoBatchId lotNumber stage harvestDate productionDate certification custody"
        " supplier inputs outputs products plots transactions statements coveringCertificates"
        " trace origins impact",
        SIGNED_IN: "quantityKg onHold holds heldBy losses flags massBalanceEntries",
        STAFF: "auditFindings",
    },
    "Supplier": {
        ANYONE: "id supplierId name location country externalId cacaoBatches certificates plots",
        SIGNED_IN: "massBalanceAccounts",
        STAFF: "contactPerson auditFindings",
    },
    "Manufacturer": {
        ANYONE: "id manufacturerId name location country products",
        SIGNED_IN: "massBalanceAccounts",
    },
    "Plot": {
        ANYONE: "id plotId name country areaHa supplier cacaoBatches",
        SIGNED_IN: "geometry",
        STAFF: "producerName",
    },
    "Certificate": {
        ANYONE: "id certificateId scheme number scope validFrom validTo holder documentHash"
        " supplier cacaoBatches",
    },
    "DueDiligenceStatement": {
        ANYONE: "id statementId referenceNumber submittedOn products cacaoBatches",
        SIGNED_IN: "verificationNumber",
    },
    "Transaction": {
        ANYONE: "id transactionId timestamp event eventId recordTime product cacaoBatch corrects"
        " corrections proof",
        SIGNED_IN: "details correctionReason",
        STAFF: "recordedBy",
    },
    # Leaves are salted, so that no hash tells of a leaf: that alone is for whoever may read all of it.
    "TransactionProof": {
        ANYONE: "status sequence leafHash treeSize rootHash hashes checkpoint",
        STAFF: "leaf",
    },
    "Ledger": {
        ANYONE: "size rootHash origin publicKey checkpoint checkpoints consistency",
    },
    "LedgerConsistency": {ANYONE: "firstSize secondSize firstRoot secondRoot hashes"},
    "LedgerCheckpoint": {ANYONE: "id size rootHash issuedAt note publicKey"},
    "Loss": {
        SIGNED_IN: "id lossId quantityKg reason timestamp note recordTime cacaoBatch",
        STAFF: "recordedBy",
    },
    "Hold": {
        SIGNED_IN: "id holdId reason placedAt releasedAt releaseReason cacaoBatch cacaoBatches"
        " products",
        STAFF: "placedBy releasedBy",
    },
    "Flag": {SIGNED_IN: "id flagId rule message recordTime cacaoBatch", STAFF: "recordedBy"},
    "ConversionFactor": {
        ANYONE: "id conversionFactorId fromStage toStage factor scheme source validFrom validTo",
    },
    "MassBalanceAccount": {
        SIGNED_IN: "id accountId scheme periodFrom periodTo balanceKg supplier manufacturer"
        " entries",
    },
    "MassBalanceEntry": {
        SIGNED_IN: "id entryId direction quantityKg timestamp note recordTime account cacaoBatch",
        STAFF: "recordedBy",
    },
    "User": {OVERSEERS: "id userId username role createdAt removedAt"},
    "APIKey": {
        OVERSEERS: "id apiKeyId name role createdBy createdAt expiresAt revokedAt lastUsedAt",
    },
    "Change": {OVERSEERS: "id changeId at actor relation operation keys"},
    "AuditFinding": {
        STAFF: "rule severity message evidence product cacaoBatch input supplier transaction"
        " certificate hold",
    },
    "Viewer": {ANYONE: "role username apiKey expiresAt"},
    "PageInfo": {ANYONE: "hasNextPage hasPreviousPage startCursor endCursor"},
    **{
        f"{name}{kind}": {ANYONE: fields}
        for name in (
            "Product",
            "CacaoBatch",
            "Supplier",
            "Manufacturer",
            "Plot",
            "Certificate",
            "DueDiligenceStatement",
            "Transaction",
            "Loss",
            "Hold",
            "Flag",
            "ConversionFactor",
            "MassBalanceAccount",
            "MassBalanceEntry",
            "User",
            "APIKey",
            "Change",
            "AuditFinding",
            "LedgerCheckpoint",
        )
        for kind, fields in (("Connection", NODES), ("Edge", "cursor node"))
    },
    **{
        f"{name}Flow{kind}": {ANYONE: fields, SIGNED_IN: kilograms}
        for name in ("Product", "CacaoBatch", "Plot")
        for kind, fields, kilograms in (
            ("Connection", NODES, ""),
            ("Edge", "cursor node", "quantityKg"),
        )
    },
    "Trace": {
        ANYONE: "lots flows products lotCount flowCount productCount depth truncated",
    },
    "TraceLot": {ANYONE: "depth cacaoBatch"},
    "TraceProduct": {ANYONE: "depth product"},
    "TraceFlow": {ANYONE: "from to product", SIGNED_IN: "quantityKg"},
    "Origin": {ANYONE: "cacaoBatch", SIGNED_IN: "share quantityKg"},
    "Impact": {
        ANYONE: "affected lotCount productCount manufacturerCount products manufacturers truncated",
        # Customers stand in the details of events.
        SIGNED_IN: "quantityKg customers customerCount",
    },
    "ImpactProduct": {ANYONE: "depth product", SIGNED_IN: "quantityKg customers"},
    "ImpactCustomer": {SIGNED_IN: "name productCount ofLots"},
    "ImpactManufacturer": {ANYONE: "manufacturer productCount", SIGNED_IN: "quantityKg"},
    **{
        f"{name}{kind}": {ANYONE: fields}
        for name in (
            "TraceLot",
            "TraceProduct",
            "TraceFlow",
            "ImpactProduct",
            "ImpactManufacturer",
            "ImpactCustomer",
        )
        for kind, fields in (("Connection", NODES), ("Edge", "cursor node"))
    },
    "OriginConnection": {ANYONE: f"{NODES} truncated"},
    "OriginEdge": {ANYONE: "cursor node"},
    "UserError": {ANYONE: "field message code"},
    # What a mutation returns is for whoever may run it.
    "ManufacturerPayload": {ANYONE: "manufacturer userErrors"},
    "SupplierPayload": {ANYONE: "supplier userErrors"},
    "CacaoBatchPayload": {ANYONE: "cacaoBatch userErrors"},
    "UseCacaoBatchPayload": {ANYONE: "cacaoBatch product outputBatch userErrors"},
    "ProductPayload": {ANYONE: "product userErrors"},
    "TransactionPayload": {ANYONE: "transaction userErrors"},
    "LossPayload": {ANYONE: "loss cacaoBatch userErrors"},
    "HoldPayload": {ANYONE: "hold cacaoBatch userErrors"},
    "ReleasePayload": {ANYONE: "cacaoBatch userErrors"},
    "CertificatePayload": {ANYONE: "certificate userErrors"},
    "MassBalanceAccountPayload": {ANYONE: "account userErrors"},
    "MassBalanceEntryPayload": {ANYONE: "entry account userErrors"},
    "SignInPayload": {ANYONE: "token expiresAt viewer userErrors"},
    "SessionPayload": {ANYONE: "endedSessions userErrors"},
    "UserPayload": {ANYONE: "user userErrors"},
    "CreateApiKeyPayload": {ANYONE: "token apiKey userErrors"},
    "APIKeyPayload": {ANYONE: "apiKey userErrors"},
}

# What whoever has not signed in needs to sign in; all that PUBLIC_READ=off leaves to them.
DOOR = frozenset(
    {("Query", "viewer"), ("Mutation", "signIn")}
    | {
        (name, field)
        for name in ("Viewer", "SignInPayload", "UserError")
        for field in (
            [
                "role",
                "username",
                "apiKey",
                "expiresAt",
                "token",
                "viewer",
                "userErrors",
                "field",
                "message",
                "code",
            ]
        )
    }
)

ALLOWED: Mapping[tuple[str, str], Roles] = {
    (name, field): roles
    for name, rows in TABLE.items()
    for roles, fields in rows.items()
    for field in fields.split()
}
NOBODY: Roles = frozenset()

# Events that record what has a type of its own: they are for whoever may read that.
EVENTS: Mapping[str, tuple[str, str]] = {
    "lost": ("CacaoBatch", "losses"),
    "held": ("CacaoBatch", "holds"),
    "released": ("CacaoBatch", "holds"),
}


class Permissions:
    """The table under the settings of a server.

    `public_read` is off where whoever has not signed in reads nothing; `introspection` names who may
    ask for the schema.
    """

    def __init__(self, *, public_read: bool = True, introspection: Roles = ANYONE) -> None:
        self.readers = self._public = ANYONE if public_read else SIGNED_IN
        self._introspection = introspection

    def allowed(self, type_: str, field: str) -> Roles:
        """The roles that may use a field of a type."""
        if field == "__typename":
            return ANYONE
        if field in ("__schema", "__type"):
            return self._introspection & self._public
        roles = ALLOWED.get((type_, field), NOBODY)
        return roles if (type_, field) in DOOR else roles & self._public


def describe(schema: GraphQLSchema) -> None:
    """Say in the description of whatever is not for anyone whom it is for."""
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            for field, definition in type_.fields.items():
                _tell(definition, ALLOWED.get((name, field), NOBODY))
    for name in TABLE:
        for member, roles in _derived(schema, name):
            _tell(member, roles)


def _derived(schema: GraphQLSchema, name: str) -> Iterator[tuple[object, Roles]]:
    """Members of filters and values of orders by fields of a type."""
    filters = schema.type_map.get(f"{name}Filter")
    if isinstance(filters, GraphQLInputObjectType):
        for field, definition in filters.fields.items():
            if (name, field) in ALLOWED:
                yield definition, ALLOWED[name, field]
    orders = schema.type_map.get(f"{name}OrderField")
    if isinstance(orders, GraphQLEnumType):
        fields = {
            "".join(part for part in field.upper() if part != "_"): field for field in _fields(name)
        }
        for value, member in orders.values.items():
            yield member, ALLOWED[name, fields[value.replace("_", "")]]


def _fields(name: str) -> list[str]:
    return [field for fields in TABLE[name].values() for field in fields.split()]


def _tell(member: object, roles: Roles) -> None:
    if roles != ANYONE:
        told = f"For {listed(roles)}."
        described = getattr(member, "description", None)
        member.description = f"{described} {told}" if described else told  # type: ignore[attr-defined]


def listed(roles: Roles) -> str:
    """The roles in words, the least first."""
    return ", ".join(role for role in ROLES if role in roles) or "nobody"


def denied(place: str, allowed: Roles, role: str) -> RequestError:
    """Why a role may not use a field."""
    if role == PUBLIC and allowed:
        return Unauthenticated(f"`{place}` is for {listed(allowed)}: sign in.")
    return Forbidden(f"`{place}` is for {listed(allowed)}, not for {role}.")
