"""Stage: how far a lot of cacao has been processed."""

from enum import Enum

import strawberry


@strawberry.enum(description="How far a batch of cacao has been processed.")
class Stage(Enum):
    BEANS = strawberry.enum_value("beans", description="Harvested, fermented and dried.")
    NIBS = strawberry.enum_value("nibs", description="Roasted, shelled and broken.")
    LIQUOR = strawberry.enum_value("liquor", description="Ground to cocoa mass.")
    BUTTER = strawberry.enum_value("butter", description="The fat pressed from liquor.")
    POWDER = strawberry.enum_value("powder", description="What pressing leaves, milled.")
    COUVERTURE = strawberry.enum_value("couverture", description="Chocolate ready to be moulded.")
