"""CPU seconds of the test suite, at this tree and at another revision: python -m bench.suite_cpu REVISION.

Counts user and system time of every process that a run starts, PostgreSQL and its backends
included: this process becomes the reaper of orphans, waits for all of them, and reads their usage
from the kernel. Both runs go on beside each other, with one test process each, so that a busy
machine slows both alike. Exit code 1 where a run fails or takes more than half of the other's CPU.
"""

import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOT = Path(__file__).parents[1]
PR_SET_CHILD_SUBREAPER = 36
_MOST = 0.5


def measure_cpu(command: Sequence[str], folder: Path) -> dict[str, float]:
    """Return the exit code of a command, and the CPU seconds of all processes that come of it.

    Returns once the last of them has ended. Linux only.
    """
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError("this system does not hand orphans over")
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    code = process.wait()
    with suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"code": code, "user": used.ru_utime, "system": used.ru_stime}


@contextmanager
def tree_of(revision: str) -> Iterator[Path]:
    """Provide a worktree of a revision, with what was built here for the browser."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        add = ["git", "worktree", "add", "--quiet", "--detach", str(tree), revision]
        subprocess.run(add, cwd=_ROOT, check=True)
        try:
            for name in ("web/dist", "web/node_modules"):
                if (_ROOT / name).exists():
                    shutil.copytree(_ROOT / name, tree / name, symlinks=True, dirs_exist_ok=True)
            yield tree
        finally:
            remove = ["git", "worktree", "remove", "--force", str(tree)]
            subprocess.run(remove, cwd=_ROOT, check=True)


def start_suite(tree: Path, arguments: Sequence[str]) -> "subprocess.Popen[str]":
    """Measure the tests of a tree in a process of its own, which prints the figures as JSON."""
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    command = [sys.executable, "-m", "bench.suite_cpu", "--command", str(tree), *tests]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)


def finish(name: str, process: "subprocess.Popen[str]") -> dict[str, float]:
    """Return the figures of a measurement, printed."""
    output, _ = process.communicate()
    figures: dict[str, float] = json.loads(output)
    total = figures["user"] + figures["system"]
    print(
        f"{name}: {total:.0f} s of CPU, {figures['system']:.0f} of them in the kernel", flush=True
    )
    return {**figures, "total": total}


def compare_revisions(revision: str, arguments: Sequence[str]) -> int:
    """Run the tests of a revision and of this tree beside each other."""
    with tree_of(revision) as before, tree_of("HEAD") as after:
        running = [start_suite(tree, arguments) for tree in (before, after)]
        first, second = (
            finish(name, process) for name, process in zip((revision, "HEAD"), running, strict=True)
        )
    share = second["total"] / first["total"]
    print(f"HEAD takes {share:.0%} of the CPU of {revision}; at most {_MOST:.0%} are allowed")
    return int(share > _MOST or first["code"] != 0 or second["code"] != 0)


def main(argv: Sequence[str]) -> int:
    if argv[:1] == ["--command"]:
        print(json.dumps(measure_cpu(argv[2:], Path(argv[1]))))
        return 0
    parser = argparse.ArgumentParser("python -m bench.suite_cpu", description=__doc__)
    parser.add_argument("revision", help="what HEAD is compared with")
    given, arguments = parser.parse_known_args(argv)
    return compare_revisions(given.revision, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
