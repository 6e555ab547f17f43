"""Rules about lineage: origins, suppliers, edges and cycles."""

from models.findings.rule import ERROR, FLOWS, INPUTS, LOTS, PRODUCTS, WARNING, Rule

_DAY = "coalesce(l.production_date, l.harvest_date)"

RULES = (
    Rule(
        code="lot_without_origin",
        severity=ERROR,
        title="A lot has neither inputs nor plots that it was harvested from.",
        judges=(LOTS,),
        source="""
<lots> s WHERE NOT EXISTS (SELECT FROM cacao_batch_input e WHERE e.output_batch_id = s.cacao_batch_id)
  AND NOT EXISTS (SELECT FROM cacao_batch_plot e WHERE e.cacao_batch_id = s.cacao_batch_id)""",
        message="format('holds %s kg of %s that come from no plot and no lot', round(s.quantity, 3), s.stage)",
        evidence={"stage": "s.stage", "heldKg": "round(s.quantity, 3)::text"},
    ),
    Rule(
        code="lot_without_supplier",
        severity=WARNING,
        title="A lot names no supplier.",
        judges=(LOTS,),
        source="<lots> s WHERE s.supplier_id IS NULL",
        message="format('%s kg of %s name no supplier', round(s.quantity, 3), s.stage)",
        evidence={"stage": "s.stage", "heldKg": "round(s.quantity, 3)::text"},
    ),
    Rule(
        code="supplier_without_location",
        severity=WARNING,
        title="The supplier of a lot has no location.",
        judges=(LOTS,),
        source="""
<lots> s CROSS JOIN LATERAL (
  SELECT p.name FROM suppliers p WHERE p.supplier_id = s.supplier_id AND p.location IS NULL <fence>) p""",
        message="format('its supplier %s has no location', p.name)",
        evidence={"supplier": "p.name"},
    ),
    Rule(
        code="manufacturer_without_location",
        severity=WARNING,
        title="The manufacturer of a product has no location.",
        judges=(PRODUCTS,),
        source="""
<products> s CROSS JOIN LATERAL (
  SELECT m.name FROM manufacturers m
  WHERE m.manufacturer_id = s.manufacturer_id AND m.location IS NULL <fence>) m""",
        message="format('its manufacturer %s has no location', m.name)",
        evidence={"manufacturer": "m.name"},
    ),
    Rule(
        code="product_without_batches",
        severity=WARNING,
        title="No recorded lot went into a product.",
        judges=(PRODUCTS,),
        source="""
<products> s WHERE NOT EXISTS (SELECT FROM product_cacao_batch e WHERE e.product_id = s.product_id)""",
        message="'was made of no lot that is recorded'::text",
        evidence={"productionDate": "s.production_date"},
    ),
    Rule(
        code="lineage_orphan",
        severity=ERROR,
        title="An edge leads to a lot or a product that does not exist.",
        judges=FLOWS,
        source="""
<flows> s LEFT JOIN LATERAL (
  SELECT l.cacao_batch_id AS id FROM cacao_batches l WHERE l.cacao_batch_id = s.input_batch_id <fence>) i ON true
LEFT JOIN LATERAL (
  SELECT l.cacao_batch_id AS id FROM cacao_batches l WHERE l.cacao_batch_id = s.output_batch_id <fence>) o ON true
LEFT JOIN LATERAL (
  SELECT q.product_id AS id FROM products q WHERE q.product_id = s.product_id <fence>) p ON true
WHERE i.id IS NULL OR coalesce(o.id, p.id) IS NULL""",
        message="format('edge from cacao batch %s%s to %s %s%s', s.input_batch_id,"
        " CASE WHEN i.id IS NULL THEN ' (not there)' END,"
        " CASE WHEN s.product_id IS NULL THEN 'cacao batch' ELSE 'product' END,"
        " coalesce(s.product_id, s.output_batch_id),"
        " CASE WHEN coalesce(o.id, p.id) IS NULL THEN ' (not there)' END)",
        evidence={
            "productId": "s.product_id",
            "outputCacaoBatchId": "s.output_batch_id",
            "inputCacaoBatchId": "s.input_batch_id",
            "quantityKg": "round(s.quantity_kg, 3)::text",
        },
    ),
    # In an order of all lots by day and number, each cycle has an edge that leads back. The rule starts
    # only from such edges, of which sound data has few.
    Rule(
        code="lineage_cycle",
        severity=ERROR,
        title="A lot was made from itself through other lots; the finding names the edge that leads back in time.",
        judges=(INPUTS,),
        source=f"""
(SELECT s.* FROM <inputs> s LEFT JOIN LATERAL (
   SELECT {_DAY} AS day FROM cacao_batches l WHERE l.cacao_batch_id = s.output_batch_id <fence>) o ON true
 LEFT JOIN LATERAL (
   SELECT {_DAY} AS day FROM cacao_batches l WHERE l.cacao_batch_id = s.input_batch_id <fence>) i ON true
 WHERE (coalesce(i.day, '-infinity'), s.input_batch_id) >= (coalesce(o.day, '-infinity'), s.output_batch_id)
 OFFSET 0) s
WHERE EXISTS (
  WITH RECURSIVE back (id) AS (
    SELECT s.input_batch_id
    UNION SELECT x.id FROM back b CROSS JOIN LATERAL (
      SELECT e.input_batch_id AS id FROM cacao_batch_input e WHERE e.output_batch_id = b.id OFFSET 0) x)
  SELECT FROM back b WHERE b.id = s.output_batch_id)""",
        message="format('took %s kg of cacao batch %s, which was made of it', round(s.quantity_kg, 3), s.input_batch_id)",
        evidence={"quantityKg": "round(s.quantity_kg, 3)::text", "recordTime": "s.record_time"},
    ),
)
