"""The layout of the code: sizes, one definition of each public name, and words that are not used as names."""

import ast
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("audit", "bench", "exchange", "graph", "ledger", "models", "serving")
MAX_CLASS_LINES, MAX_FILES = 150, 15
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

# Words of this house that gave way to the words of the field, as names of modules, classes and functions.
BANNED = frozenset(
    [
        "aside",
        "door",
        "access",
        "extent",
        "budget",
        "till",
        "price",
        "charge",
        "spend",
        "patience",
        "slots",
        "unanswered",
        "turns",
        "work",
        "perform",
        "ahead",
        "afterwards",
        "taken_along",
        "asker",
        "told",
        "draft",
        "beyond",
        "clause",
        "boundary",
        "listing",
        "pin",
        "skeleton",
        "entities",
        "parts",
        "unkept",
        "wire",
        "unexpected",
        "recall",
        "together",
        "knock",
        "crowd",
        "courtesy_seconds",
        "keeper",
        "heads",
        "head",
        "matter",
        "matter_rules",
        "flag",
        "makers",
        "way",
        "kinds",
        "teach",
        "learn",
        "tell",
        "ground",
        "bar",
        "author",
        "workbench",
        "guarded",
        "untouched",
        "wide_reader",
        "given",
    ]
)
# Banned words that are the field's word there, by module and name.
BANNED_EXCEPTIONS = {
    "graph/execution/plan_cache.py:pin": "a pinned entry of a cache is never evicted",
    "tests/db/ledger/test_tampering.py:work": "what a thread of the test runs",
    "tests/unit/admission/test_fair_executor.py:work": "what a thread of the test runs",
}
# Public names that several modules define on purpose.
SHARED_NAMES = {
    "RULES": "each module of models/findings lists its rules",
    "add_arguments": "the protocol of a subcommand",
    "run": "the protocol of a subcommand",
    "main": "the entrance of a module that is a program",
    "log": "the logger of a module",
    "routes": "the protocol of an endpoint",
    "Viewer": "the GraphQL type, and the caller of a request that it shows",
}
# A GraphQL type has the name of its model. A peer of the benchmark and the verifier run alone.
ALONE = ("bench/peers/", "ledger/verifier.py")
# Folders by noun, one module a table, a type or a table's rules.
BY_NOUN = ("graph/mutations", "graph/types", "models", "schema", "tests/db/tables")


def tracked(*patterns: str) -> list[str]:
    """Return the files of the repository, or all files where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == 0 and done.stdout:
        return [name for name in done.stdout.split("\n") if name and (ROOT / name).exists()]
    found = [path for pattern in patterns for path in ROOT.rglob(pattern)]
    return [path.relative_to(ROOT).as_posix() for path in found if ".venv" not in path.parts]


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def names_of(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module defines."""
    if isinstance(statement, Definition):
        yield statement.name
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    for target in targets:
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        yield from (part.id for part in parts if isinstance(part, ast.Name))


def defined_names() -> dict[str, set[str]]:
    """Each public name of the product and the modules that define it; a GraphQL type and its model are one."""
    found: dict[str, set[str]] = defaultdict(set)
    for module in tracked("*.py"):
        if module.startswith(PACKAGES) and not module.startswith(ALONE):
            for statement in tree_of(module).body:
                for name in names_of(statement):
                    if not name.startswith("_"):
                        found[name].add(module)
    return found


def is_type_and_model(name: str, modules: set[str]) -> bool:
    folders = sorted(module.rpartition("/")[0].partition("/")[0] for module in modules)
    return len(modules) == 2 and folders == ["graph", "models"] and name[0].isupper()


def test_public_name_is_defined_in_one_module() -> None:
    """Where this fails, rename one of the two, or make it private with an underscore."""
    twice = {
        name: sorted(modules)
        for name, modules in defined_names().items()
        if len(modules) > 1 and name not in SHARED_NAMES and not is_type_and_model(name, modules)
    }
    assert twice == PENDING_NAMES


def test_no_class_has_over_150_lines() -> None:
    """Where this fails, give one of the class's responsibilities a class of its own."""
    long = {
        f"{module}: {node.name}": node.end_lineno - node.lineno + 1
        for module in tracked("*.py")
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ClassDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_CLASS_LINES
    }
    assert long.keys() == PENDING_CLASSES


def test_no_folder_has_over_15_loose_files() -> None:
    """Where this fails, give one of the folder's concerns a package of its own."""
    loose: dict[str, int] = defaultdict(int)
    for name in tracked("*.py", "*.sql"):
        folder, _, file = name.rpartition("/")
        if file != "__init__.py" and folder not in BY_NOUN:
            loose[folder] += 1
    assert {folder for folder, count in loose.items() if count > MAX_FILES} == PENDING_FOLDERS


def definitions() -> Iterator[tuple[str, str]]:
    """Each module and the names of its classes and functions, fixtures included."""
    for module in tracked("*.py"):
        yield module, Path(module).stem
        for node in ast.walk(tree_of(module)):
            if isinstance(node, Definition):
                yield module, node.name


def test_no_definition_has_a_banned_word_as_its_name() -> None:
    """Where this fails, use the word of the glossary in docs/, or say in BANNED_EXCEPTIONS why not."""
    found = {
        f"{module}:{name}"
        for module, name in definitions()
        if name.strip("_").lower() in BANNED and f"{module}:{name}" not in BANNED_EXCEPTIONS
    }
    assert found == PENDING_WORDS


@pytest.mark.parametrize("exception", BANNED_EXCEPTIONS)
def test_exception_is_still_needed(exception: str) -> None:
    module, _, name = exception.partition(":")
    assert (module, name) in set(definitions())


# Work that is not done yet; each set only shrinks.
PENDING_NAMES: dict[str, list[str]] = {}
PENDING_CLASSES: set[str] = set()
PENDING_FOLDERS = {"bench", "tests/db/csv"}
PENDING_WORDS: set[str] = set()
