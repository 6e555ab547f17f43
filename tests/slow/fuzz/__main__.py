"""`make fuzz`: sends thousands of envelopes and documents to a server, and counts the answers.

Exit code 1 for an internal error, a request without an answer, or an error in the log.
"""

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from tests.conftest import (
    ROOT,
    Serving,
    free_port,
    process_environment,
    temporary_folder,
    wait_until_up,
)
from tests.slow.fuzz.envelopes import Envelope, envelope
from tests.slow.fuzz.schema import fuzz_schema
from tests.slow.fuzz.sending import Tally, fuzz

# Documents of Schemathesis for each root field; they take far longer to make than to answer.
EACH = 100
BATCH = 5_000
SHOWN = 20


def main(arguments: list[str]) -> int:
    """Fuzz, print what came back; the exit code."""
    parser = argparse.ArgumentParser("python -m tests.slow.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="envelopes to send")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", type=int, help="send the envelope of this number alone")
    given = parser.parse_args(arguments)
    print(f"seed {given.seed}", flush=True)
    with temporary_folder() as folder, serving(folder) as url:
        if given.only is not None:
            return report(ask(url, iter([envelope(given.seed, given.only)])), folder)
        tally = Tally()
        for start in range(0, given.count, BATCH):
            numbers = range(start, min(start + BATCH, given.count))
            tally.add(ask(url, (envelope(given.seed, n) for n in numbers), start))
            print(f"  {tally}", flush=True)
        tally.add(fuzz_schema(f"{url}/graphql", given.seed, EACH))
        with urlopen(f"{url}/api/health/ready", timeout=10) as response:
            assert response.status == 200
        return report(tally, folder)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Provide the address of a server with its embedded database in this folder, where all may be done."""
    port = str(free_port())
    given = process_environment(DATA_DIR=str(folder), PORT=port, DEV_ROLE="admin")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "server.py", "serve"],
            cwd=ROOT,
            env=given,
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
        )
        served = Serving(f"http://127.0.0.1:{port}", process)
        wait_until_up(served)
        yield served.url
        served.stop()


def ask(url: str, envelopes: Iterator[Envelope], first: int = 0) -> Tally:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    return fuzz(address.hostname, address.port, envelopes, first)


def report(tally: Tally, folder: Path) -> int:
    """Print what came back and what was logged of it; the exit code."""
    lines = (folder / "log").read_text().splitlines()
    logged = [line for line in lines if " ERROR " in line or " CRITICAL " in line]
    print(tally, f"{len(logged)} errors logged", sep="; ")
    for kind, count in sorted(tally.kinds.items()):
        print(f"  {count:7} {kind}")
    for line in [*tally.faults[:SHOWN], *logged[:SHOWN]]:
        print(line)
    return 1 if tally.faults or logged else 0


if __name__ == "__main__":
    began = time.monotonic()
    code = main(sys.argv[1:])
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(code)
