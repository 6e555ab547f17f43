"""The README's queries return the answers that it prints."""

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from models.findings import RULES

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(
    ("query", "output"),
    [*zip(blocks("graphql"), blocks("json"), strict=True)],
    ids=["bar", "trace", "findings"],
)
def test_query_gives_the_output_shown(client: TestClient, query: str, output: str) -> None:
    response = client.post("/graphql", json={"query": query})
    assert json.dumps(response.json()) == json.dumps(json.loads(output))


def test_every_rule_of_findings_is_in_the_table() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (error|warning|info) \| (.*) \|$", README, re.MULTILINE)
    assert rows == [(rule.code.upper(), rule.severity, rule.title) for rule in RULES]


def test_first_screen_shows_a_query_with_its_output() -> None:
    assert README.index("```json") < README.index("## In production")
