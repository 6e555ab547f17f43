"""The shape of the code: sizes, holders of sessions, readers of the environment."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("audit", "graph", "ledger", "models", "exchange", "serving", "bench")
MAX_MODULE_LINES, MAX_FUNCTION_LINES = 400, 50
SQL = {"select", "insert", "update", "delete", "text", "func", "exists", "column", "Select"}
SESSION_HOLDERS = ("graph/planner/reader.py", "graph/mutations/", "models/")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> list[Path]:
    """Return the modules of these folders, and those beside server.py."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


PRODUCT = modules(*PACKAGES)
ALL = modules(*PACKAGES, "tests")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Lines from `def` to the end, decorators aside."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield module and name of each import, wherever it stands."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def calls_of(path: Path, *attributes: str) -> list[str]:
    """Where a method of one of these names is called."""
    return [
        f"{name_of(path)}:{node.lineno}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in attributes
    ]


# ---------------------------------------------------------------- sizes


def test_these_rules_see_the_whole_product() -> None:
    names = [name_of(path) for path in PRODUCT]
    assert {"server.py", "graph/planner/reader.py", "models/database/engines.py"} <= set(names)
    assert len(names) > 60


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_module_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


def test_median_module_has_under_120_lines() -> None:
    sizes = [len(path.read_text(encoding="utf-8").splitlines()) for path in PRODUCT]
    assert median(sizes) < 120


def test_no_function_has_over_50_lines() -> None:
    long = [
        f"{name_of(path)}: {function.name} has {length(function)}"
        for path in ALL
        for function in functions(path)
        if length(function) > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_median_function_has_at_most_8_lines() -> None:
    assert median(length(function) for path in PRODUCT for function in functions(path)) <= 8


def is_test(path: Path) -> bool:
    return path.name.startswith("test_")


@pytest.mark.parametrize("path", [path for path in ALL if not is_test(path)], ids=name_of)
def test_module_says_what_it_is_in_charge_of(path: Path) -> None:
    empty = not tree_of(path).body
    assert empty or (ast.get_docstring(tree_of(path)) or "").strip()


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [name_of(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


# ---------------------------------------------------------------- who holds a session


def outside(path: Path) -> bool:
    """Whether a module is none of those that may hold a session."""
    return not name_of(path).startswith(SESSION_HOLDERS)


@pytest.mark.parametrize("path", [*filter(outside, modules("graph"))], ids=name_of)
def test_module_of_the_graph_holds_no_session(path: Path) -> None:
    sessions = [
        f"{module}.{name}"
        for module, name in imports(path)
        if name in ("Session", "sessionmaker", "scoped_session", "AsyncSession", "create_engine")
    ]
    assert sessions == []
    assert (
        calls_of(path, "session", "reader", "engine", "execute", "exec_driver_sql", "scalars") == []
    )


@pytest.mark.parametrize(
    "path", [p for p in modules("graph/types", "graph/queries") if p.parent != ROOT], ids=name_of
)
def test_types_and_queries_build_no_sql(path: Path) -> None:
    names = [name for module, name in imports(path) if module.startswith("sqlalchemy")]
    # graph.types.inputs asks the mapper which columns are indexed; that is no SQL.
    assert SQL.intersection(names) == set()


def test_only_models_and_the_translator_of_errors_know_the_driver() -> None:
    users = {
        name_of(path)
        for path in PRODUCT
        for module, _ in imports(path)
        if module.split(".")[0] == "psycopg2"
    }
    inside = (
        "models/",
        "ledger/",
        "audit/",
        "exchange/",
        "bench/",
        "serving/cli.py",
        "graph/errors.py",
    )
    assert [name for name in users if not name.startswith(inside)] == []


def test_relationships_are_never_loaded_lazily() -> None:
    lazy = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules("models")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "relationship"
        and not any(
            word.arg == "lazy"
            and isinstance(word.value, ast.Constant)
            and word.value.value == "raise"
            for word in node.keywords
        )
    ]
    assert lazy == []


# ---------------------------------------------------------------- who reads the environment


@pytest.mark.parametrize(
    "path",
    [p for p in PRODUCT if name_of(p) != "serving/cli.py" and "bench" not in p.parts],
    ids=name_of,
)
def test_module_reads_no_environment(path: Path) -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in (("os", "environ"), ("os", "environb"), ("os", "getenv"))
    ]
    assert found == []
    assert [name for module, name in imports(path) if module == "os" and name] == []


def test_nothing_imports_the_server() -> None:
    users = [
        name_of(path)
        for path in modules(*PACKAGES)
        for module, name in imports(path)
        if module.split(".")[0] == "server" or (module == "" and name == "server")
    ]
    assert users == []


def test_server_loads_nothing_large_that_few_requests_need() -> None:
    told = "import sys, graph.endpoints.graphql; print(sorted({'networkx', 'jwt', 'pyexcel'} & {*sys.modules}))"
    shown = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"
