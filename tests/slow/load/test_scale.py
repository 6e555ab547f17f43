"""The scale benchmark on a small database; `python -m bench.scale` measures a large one."""

import subprocess
import sys
from pathlib import Path

from bench.gates import Row, verdict
from bench.scale import SECTIONS, parse
from bench.searches import SEARCHES
from tests.conftest import ROOT

SMALL = (
    *("--products", "600", "--small", "500", "--requests", "500"),
    *("--rounds", "1", "--seconds", "0.05"),
)


def test_every_section_measures_and_says_its_gates(tmp_path: Path) -> None:
    """The figures are not judged here: a machine that tests are run on has other things to do."""
    command = [sys.executable, "-m", "bench.scale", "--data", str(tmp_path), *SMALL]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    told = done.stdout.splitlines()
    assert done.returncode in (0, 1), done.stderr
    assert "error" not in done.stderr
    assert " inf " not in done.stdout
    assert [line.partition(":")[0] for line in told if line.partition(":")[0] in SECTIONS] == [
        *SECTIONS
    ]
    rows = 4 + 2 + len(SEARCHES) + 2 + 13 + 1
    assert any(line.endswith(f" of {rows} gates are kept") for line in told)
    assert sum("requests/s" in line for line in told) == 2
    assert done.returncode == any(" MISSED" in line for line in told)


def test_a_gate_is_the_most_that_a_figure_may_be() -> None:
    kept, missed = Row("page", 1.3, "x", 1.3), Row("start", 1.51, "s", 1.5, "of 3")
    assert not kept.missed
    assert missed.missed
    assert missed.line().split() == ["start", "1.51", "s", "at", "most", "1.5", "MISSED", "of", "3"]
    assert verdict([kept, missed, Row("rate", 5, "x")]).splitlines() == [
        "1 of 2 gates are kept",
        missed.line(),
    ]


def test_the_gates_are_for_a_million_products() -> None:
    plan, _, names = parse([])
    assert (plan.products, plan.small, plan.requests) == (1_000_000, 1_000, 100_000)
    assert list(names) == list(SECTIONS)
