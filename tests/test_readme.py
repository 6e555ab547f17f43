"""The README shows what really comes back."""

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(
    ("query", "output"),
    [*zip(blocks("graphql"), blocks("json"), strict=True)],
    ids=["bar", "trace"],
)
def test_query_gives_the_output_shown(client: TestClient, query: str, output: str) -> None:
    response = client.post("/graphql", json={"query": query})
    assert json.dumps(response.json()) == json.dumps(json.loads(output))


def test_first_screen_shows_a_query_with_its_output() -> None:
    assert README.index("```json") < README.index("## In production")
