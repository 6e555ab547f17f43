"""The README shows what really comes back."""

import json
import re
from pathlib import Path

from starlette.testclient import TestClient

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def test_query_of_the_first_screen_gives_the_output_shown(client: TestClient) -> None:
    response = client.post("/graphql", json={"query": block("graphql")})
    assert json.dumps(response.json()) == json.dumps(json.loads(block("json")))
    assert README.index("```json") < README.index("## In production")
