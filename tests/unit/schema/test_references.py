"""References of inputs: a deprecated name is declared, and a new input has none."""

from typing import Any

import pytest
import strawberry

from graph.mutations.input import MutationInput, reference, shown_name, write_input


@write_input("A weighing of a batch.")
class WeighingInput(MutationInput):
    cacao_batch: strawberry.ID = reference("The batch.")


@write_input("A shipment of a batch.")
class ShipmentInput(MutationInput):
    cacao_batch: strawberry.ID | None = reference("The batch.", former="cacao_batch_id")


@strawberry.type
class Query:
    @strawberry.field
    def provided(self, weighing: WeighingInput, shipment: ShipmentInput) -> bool:
        return str(weighing) != str(shipment)


def members(name: str) -> dict[str, str]:
    type_ = strawberry.Schema(Query)._schema.type_map[name]
    return {member: str(field.type) for member, field in type_.fields.items()}  # type: ignore[attr-defined]


def test_reference_without_a_former_name_is_required() -> None:
    assert members("WeighingInput") == {"idempotencyKey": "String", "cacaoBatch": "ID!"}


def test_reference_with_a_former_name_is_optional_under_both() -> None:
    assert members("ShipmentInput") == {
        "idempotencyKey": "String",
        "cacaoBatch": "ID",
        "cacaoBatchId": "ID",
    }


@pytest.mark.parametrize(
    ("input", "member", "shown"),
    [
        (WeighingInput, "cacao_batch", "cacao_batch"),
        (ShipmentInput, "cacao_batch", "cacao_batch"),
        (ShipmentInput, "cacao_batch_id", "cacao_batch_id"),
    ],
)
def test_error_names_the_member_that_the_client_provided(
    input: Any, member: str, shown: str
) -> None:
    assert shown_name(input(**{member: "1"}), "cacao_batch_id") == shown
