"""A small world of fixed values, on which every test of the API may rely.

Two makers, three products, four batches (beans, beans -> liquor -> couverture), two suppliers,
their certificates and plots, two statements, five transactions. Serial keys count from 1.
"""

from models import Base
from models.database.engines import Database

LONG = "Zartbitter aus Ærø, 黑巧克力 🍫 " * 400
GTIN = "04006381333931"

COUNT_FROM_ONE = """
SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, 1, false)
FROM pg_sequences WHERE schemaname = current_schema()"""

WORLD = r"""
insert into manufacturers (name, location, country) values
  ('Bonnat', 'Voiron', 'FR'),
  ('Domori', 'None', null);
insert into suppliers (name, location, contact_person, country, external_id) values
  ('ECOOKIM', 'Abidjan', 'Awa Koné', 'CI', 'CI-0001'),
  ('Kuapa Kokoo', 'Kumasi', null, 'GH', null);
insert into certificates (supplier_id, scheme, number, scope, valid_from, valid_to) values
  (1, 'Rainforest Alliance', 'RA-1', 'beans', '2025-01-01', '2026-12-31'),
  (1, 'Fairtrade', 'FT-9', null, '2024-07-01', '2025-06-30');
insert into plots (supplier_id, name, producer_name, country, area_ha, geometry) values
  (1, 'P1', 'Koffi', 'CI', 3.5, '{"type": "Point", "coordinates": [-4.03, 5.36]}'),
  (1, 'P2', null, 'CI', 6.25, null);
insert into cacao_batches
  (supplier_id, harvest_date, quantity, certification, stage, lot_number, production_date) values
  (1, '2025-10-01', 1000,    'Fairtrade', 'beans',      'B1', null),
  (1, '2025-11-01', 500.5,   null,        'beans',      'B2', null),
  (2, null,         800,     'Fairtrade', 'liquor',     'K3', '2025-12-01'),
  (2, null,         600.125, null,        'couverture', null, '2026-01-10');
insert into products
  (name, description, manufacturer_id, batch_number, gtin, cocoa_percent, production_date) values
  ('Noir Café 70%%', 'Dark', 1, 'L1', %(gtin)s, 70, '2026-03-01'),
  ('noir cafe_lait', null, 1, 'L2', %(gtin)s, 45.5, null),
  ('Ærø \ 100', %(long)s, null, null, null, null, '2026-02-01');
insert into cacao_batch_input (output_batch_id, input_batch_id, quantity_kg) values
  (3, 1, 700), (3, 2, 400.125), (4, 3, 650);
insert into product_cacao_batch (product_id, cacao_batch_id, quantity_kg) values
  (1, 4, 100), (2, 4, null), (1, 1, 50.5);
insert into cacao_batch_plot (cacao_batch_id, plot_id, quantity_kg) values
  (1, 1, 600), (1, 2, null), (2, 2, 500.5);
insert into due_diligence_statements (reference_number, verification_number, submitted_on) values
  ('25CI0001', 'V1', '2026-01-15'), ('25CI0002', null, '2026-01-15');
insert into product_statement (product_id, statement_id) values (1, 1), (1, 2);
insert into cacao_batch_statement (cacao_batch_id, statement_id) values (1, 1);
insert into transactions
  (product_id, cacao_batch_id, "timestamp", event, details, event_id, record_time) values
  (1, null, '2026-03-02 10:00:00.123456+02', 'shipped', '{"to": "Paris", "kg": 1.50}', 'E-1',
   '2026-03-03 00:00Z'),
  (1, null, '2026-03-02 08:00:00.123456+00', 'received', null, null, '2026-03-03 00:00Z'),
  (null, 1, '2025-10-03 00:00Z', 'fermented', '[1, {"a": null}]', null, '2026-03-03 00:00Z'),
  (2, null, '2026-04-01 12:30Z', 'shipped', '"by hand"', null, '2026-04-01 12:30:00.5Z'),
  (null, 4, '2026-01-11 00:00Z', 'tempered', '{}', null, '2026-03-03 00:00Z');
"""


# What schema.sql itself puts into a database stays there.
SEEDED = ("conversion_factors", "matter_rules")
APPEND_ONLY = (
    *("transactions", "changes", "losses", "holds", "mass_balance_entries"),
    *("ledger_entries", "ledger_checkpoints"),
)


def renew(database: Database) -> None:
    """Leave exactly the world in a database that has the schema, whatever was in it."""
    tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
    with database.engine().begin() as connection:
        run = connection.exec_driver_sql
        for table in APPEND_ONLY:
            run(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        run("; ".join(f"DELETE FROM {table}" for table in tables if table not in SEEDED))
        run(f"{COUNT_FROM_ONE} AND sequencename NOT LIKE 'conversion_factors%%'")
        run("UPDATE matter_rules SET yields = 'flag' WHERE yields <> 'flag'")
        run(WORLD, {"gtin": GTIN, "long": LONG})
        run("DELETE FROM changes")
        for table in APPEND_ONLY:
            run(f"ALTER TABLE {table} ENABLE TRIGGER append_only")
