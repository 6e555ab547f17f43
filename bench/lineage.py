"""How long traces take: `python -m bench.lineage`, on 1,000,000 lots and on the deep graph.

Ten levels of lots with twenty inputs each, in groups, so that a trace from the last level reaches
about 10,000 lots; and a chain as deep as one finds. It starts a PostgreSQL of its own, with the
settings of the embedded database, and writes past the triggers.
"""

import argparse
import asyncio
import csv
import json
import tempfile
from contextlib import closing
from io import StringIO
from pathlib import Path
from statistics import median
from time import perf_counter

from graph.admission.limits import Limits
from graph.answer import Request
from graph.context import Viewer
from graph.execution.engine import Engine
from models.database.engines import Database
from models.embedded import server as embedded

LEVELS, FAN_IN, _WIDTH = 10, 20, 1_430
GENEALOGY = Path(__file__).parents[2] / "shared" / "data" / "genealogy" / "deep_edges.csv"
FACTS = "trace { lotCount flowCount depth }"
_LOTS = "trace { lotCount flowCount depth lots(first: 10000) { nodes { depth cacaoBatch {"
QUERIES = {
    "counted": FACTS,
    "each lot": f"{_LOTS} lotNumber stage }} }} }} }}",
    "each lot with its supplier and certificates": (
        f"{_LOTS} lotNumber supplier {{ name certificates {{ nodes {{ scheme number }} }} }} }} }} }} }}"
    ),
    "forward, counted": "trace(direction: FORWARD) { lotCount flowCount productCount depth }",
    "impact": "impact { affected lotCount productCount quantityKg }",
    "100 origins": "origins(first: 100) { totalCount nodes { share cacaoBatch { lotNumber } } }",
}


def fill_groups(database: Database, groups: int) -> int:
    """Write the groups and say which lot is the last one."""
    lots = groups * LEVELS * _WIDTH
    with closing(database.engine().raw_connection()) as raw, closing(raw.cursor()) as cursor:
        cursor.execute(f"""
set session_replication_role = replica;
insert into suppliers (name, location) values ('S', 'L');
insert into cacao_batches (cacao_batch_id, supplier_id, harvest_date, quantity, lot_number)
  select i, 1, '2026-01-01', 1000000, 'L' || i from generate_series(1, {lots}) i;
alter table cacao_batch_input drop constraint cacao_batch_input_pkey;
drop index cacao_batch_input_input_batch_id_output_batch_id_idx;
insert into cacao_batch_input (output_batch_id, input_batch_id, quantity_kg)
  select o, o - {_WIDTH} - (o - 1) % {_WIDTH} + (hash % {_WIDTH}), 1 + hash % 997
  from generate_series(1, {lots}) o cross join lateral (
    select distinct on (h % {_WIDTH}) h as hash from (
      select abs(hashint8(o::bigint * 32 + n)::bigint) as h from generate_series(1, {FAN_IN}) n) t) t
  where (o - 1) / {_WIDTH} % {LEVELS} > 0;
alter table cacao_batch_input add primary key (output_batch_id, input_batch_id);
create index on cacao_batch_input (input_batch_id, output_batch_id);
""")
        raw.commit()
    vacuum_tables(database)
    return lots


def fill_deep(database: Database, first: int) -> int:
    """Write the deep graph under numbers from `first` on; its last lot."""
    with GENEALOGY.open(encoding="utf-8") as lines:
        edges = [(int(r["output_lot_id"]), int(r["input_lot_id"])) for r in csv.DictReader(lines)]
    last = max(max(edge) for edge in edges)
    with closing(database.engine().raw_connection()) as raw, closing(raw.cursor()) as cursor:
        cursor.execute("set session_replication_role = replica")
        lots = "".join(f"{first + n}\t1\t2026-01-01\t1000000\tD{n}\n" for n in range(1, last + 1))
        columns = "cacao_batch_id, supplier_id, harvest_date, quantity, lot_number"
        cursor.copy_expert(f"COPY cacao_batches ({columns}) FROM STDIN", StringIO(lots))
        rows = "".join(f"{first + taker}\t{first + giver}\t7\n" for taker, giver in edges)
        columns = "output_batch_id, input_batch_id, quantity_kg"
        cursor.copy_expert(f"COPY cacao_batch_input ({columns}) FROM STDIN", StringIO(rows))
        raw.commit()
    vacuum_tables(database)
    return first + last


def vacuum_tables(database: Database) -> None:
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


async def measure_lineage(database: Database, lot: int, rounds: int) -> None:
    engine = Engine(database, limits=Limits(cost=10**9))
    for name, selection in QUERIES.items():
        query = f"query ($id: Int!) {{ cacaoBatch(by: {{cacaoBatchId: $id}}) {{ {selection} }} }}"
        seconds, size = [], 0
        for _ in range(rounds):
            start = perf_counter()
            answer = await engine.answer(Request(query, {"id": lot}), Viewer("admin"))
            seconds.append(perf_counter() - start)
            assert answer.through is not None, answer.errors
            size = len(answer.through)
        told = json.loads(answer.through or b"")["cacaoBatch"]
        facts = {k: v for one in told.values() for k, v in one.items() if isinstance(v, int)}
        print(
            f"  {name}: median {median(seconds):.3f} s, worst {max(seconds):.3f} s, {size:,} bytes {facts}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=70, help="of 14,300 lots each")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="cacaotrace-lineage-") as folder,
        embedded.start(Path(folder) / "postgres") as server,
        closing(Database(server.url)) as database,
    ):
        database.apply_schema()
        start = perf_counter()
        last = fill_groups(database, options.groups)
        print(f"{last:,} lots written in {perf_counter() - start:.0f} s; trace of the last one:")
        asyncio.run(measure_lineage(database, last, options.rounds))
        print("the first one:")
        asyncio.run(measure_lineage(database, 1, options.rounds))
        if GENEALOGY.exists():
            print("trace of the newest lot of the deep graph:")
            asyncio.run(measure_lineage(database, fill_deep(database, last), options.rounds))


if __name__ == "__main__":
    main()
