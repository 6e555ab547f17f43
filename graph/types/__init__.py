"""The types of the graph. Importing this package imports every module of it, and makes the inputs."""

from graph.discovery import import_modules
from graph.types.inputs import make_inputs
from graph.types.node import NODE_TYPES

import_modules(__name__)
make_inputs(NODE_TYPES)
# Relations name their node type, which strawberry looks up here.
globals().update(NODE_TYPES)

__all__ = ["NODE_TYPES"]
