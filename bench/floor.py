"""The floor: the hand-written statements by pgbench, prepared, with no server in between."""

import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.database import Bed
from bench.measure import Cell, Failed
from bench.processes import Usage, calibrate

_SQL = Path(__file__).parent / "sql"
# pgbench draws numbers, not rows: it draws a place in this table. Not in `public`, which
# PostGraphile turns into its schema.
PLACES = """
create schema if not exists bench;
create table if not exists bench.batches as
  select row_number() over (order by cacao_batch_id)::int as place, cacao_batch_id
  from (select distinct cacao_batch_id from product_cacao_batch) used;
create unique index if not exists batches_place on bench.batches (place);
analyze bench.batches;"""
KEY_OF_PLACE = "(select cacao_batch_id from bench.batches where place = :id)"


def script(query: str, bed: Bed) -> str:
    """Return the pgbench script of a query."""
    statement = (_SQL / f"{query}.sql").read_text("utf-8").replace("\n", " ")
    last = bed.keys.products - 100 if query == "page" else bed.keys.products
    if query == "audit":
        last = len(bed.keys.batches)
        statement = statement.replace(":id", KEY_OF_PLACE)
    return f"\\set id random(1, {last})\n{statement};\n"


def measure_floor(query: str, bed: Bed, clients: int, number: int, seconds: float) -> Cell:
    """Run pgbench on the statement; raises Failed if it fails."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "script.sql").write_text(script(query, bed), "utf-8")
        options = ["-n", "-M", "prepared", f"-c{clients}", "-j1", f"-T{max(1, round(seconds))}"]
        logged = ["-l", "--log-prefix", str(folder / "log"), "-f", str(folder / "script.sql")]
        before_ms, before, start = calibrate(), Usage.read(bed.process, bed.process), time.time()
        command = [str(bed.programs / "pgbench"), *options, *logged, bed.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall, used = time.time() - start, Usage.read(bed.process, bed.process).since(before)
        durations = sorted(
            int(line.split()[2])
            for log in folder.glob("log*")
            for line in log.read_text("utf-8").splitlines()
        )
    if done.returncode or not durations:
        raise Failed(f"pgbench: {done.stderr.strip()}")
    return Cell(
        peer="pgbench",
        query=query,
        clients=clients,
        round=number,
        rate=len(durations) / max(1, round(seconds)),
        p50_ms=durations[len(durations) // 2] / 1e3,
        p99_ms=durations[len(durations) * 99 // 100] / 1e3,
        bytes=0.0,
        server_us=0.0,
        postgres_us=used.postgres * 1e6 / len(durations),
        load_us=0.0,
        rss_mb=0.0,
        busiest=0.0,
        foreign=0.0,
        stolen=used.stolen / wall,
        calibration_ms=(before_ms + calibrate()) / 2,
    )
