"""The reference pages say what the code does, and the pages point to files that exist."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import pytest

import graph
import serving
from docs.generator.error_codes import codes_by_kind, read_texts
from docs.generator.pages import REFERENCE_FOLDER, REFERENCE_PAGES, render
from graph.error_code import ErrorCode
from graph.errors import RequestError
from tests.conftest import ROOT
from tests.examples import PAGES_WITH_EXAMPLES, blocks_of

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
# Pages that may have blocks which the tests cannot run, and how many.
NOT_RUN = {
    "CONTRIBUTING.md": 1,
    "README.md": 2,
    "docs/tutorial/first-trace.md": 1,
    "docs/how-to/import.md": 1,
    "docs/how-to/accounts.md": 2,
    "docs/how-to/deploy.md": 2,
}


@pytest.mark.parametrize("name", REFERENCE_PAGES)
def test_generated_page_follows_from_the_code(name: str) -> None:
    path = REFERENCE_FOLDER / name
    assert path.read_text(encoding="utf-8") == render(name), f"{path} is stale: make reference"


def test_every_code_has_a_cause_and_a_cure_and_no_other_has() -> None:
    texts = {
        kind: {code for code, told in found.items() if told["cause"] and told["cure"]}
        for kind, found in read_texts().items()
    }
    assert texts == codes_by_kind(), "docs/generator/error_texts.toml"


def subclasses(base: type[Exception]) -> Iterator[type[Exception]]:
    for found in base.__subclasses__():
        yield found
        yield from subclasses(found)


def test_every_error_of_a_request_has_a_code_of_the_list() -> None:
    for package in (graph, serving):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    found = [RequestError, *subclasses(RequestError)]
    assert len(found) > len(ErrorCode) / 2
    without = [str(each) for each in found if not isinstance(getattr(each, "code", ""), ErrorCode)]
    assert not without, "graph/error_code.py"


def test_readme_is_one_screen_after_another() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_of_the_front_pages_lead_to_files(name: str) -> None:
    targets = LINK.findall((ROOT / name).read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_few_examples_are_not_run_and_each_says_why() -> None:
    found = {}
    for page in PAGES_WITH_EXAMPLES:
        # The commands of upgrade.md are for a database of an earlier version, as tests/db/migration has.
        left = [block for block in blocks_of(page) if block.reason]
        if page != "docs/how-to/upgrade.md":
            unmarked = [
                each for each in blocks_of(page) if each.language == "sh" and not each.reason
            ]
            assert not unmarked, "a block of the language sh needs a comment: not run: reason"
        if left:
            found[page] = len(left)
    assert found == NOT_RUN
