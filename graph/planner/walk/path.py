"""The path to the field that is being planned, for the errors of that field."""

from collections.abc import Iterator
from contextlib import contextmanager

from graphql import FieldNode, GraphQLError

from graph.errors import DocumentTooLarge, RequestError, refuse
from graph.planner.selection import PathStep


class FieldPath:
    """The fields from the root to the current one, and the number of objects so far."""

    def __init__(self, max_objects: int) -> None:
        self.steps: list[PathStep] = []
        self.objects = 0
        self._max_objects = max_objects

    @contextmanager
    def at(self, key: str, node: FieldNode) -> Iterator[None]:
        """Enter a field: errors raised inside get its path and its node.

        Raises DocumentTooLarge if the document selects too many objects.
        """
        self.steps.append(PathStep(key, node))
        self.objects += 1
        try:
            if self.objects > self._max_objects:
                raise DocumentTooLarge(
                    f"The document asks for more than {self._max_objects} objects."
                )
            yield
        except RequestError as error:
            raise self._placed(refuse(error, [node])) from error
        except GraphQLError as error:
            # graphql-core's error about an argument that cannot be coerced has no nodes.
            if error.nodes:
                raise
            raise self._placed(GraphQLError(error.message, [node])) from error
        finally:
            self.steps.pop()

    def _placed(self, error: GraphQLError) -> GraphQLError:
        error.path = [step.key for step in self.steps]
        return error
