"""Rules that compare events with the edges, losses and lots that they name."""

from models.findings.rule import CURRENT, ERROR, EVENTS, WARNING, Rule

# A repetition of PostgreSQL's has at most 255 characters; any such number fits `numeric`.
NUMBER = "'^-?[0-9]{1,255}(\\.[0-9]{1,255})?$'"
_KEY = "'^[0-9]{1,9}$'"


def named_in_details(*names: str) -> str:
    """Return SQL of the integer that the details have under one of these names, or null."""
    text = "coalesce(" + ", ".join(f"s.details ->> '{name}'" for name in names) + ")"
    return f"CASE WHEN {text} ~ {_KEY} THEN ({text})::int END"


# Numbers that an event names: of a loss, a product, a lot, an input lot, an output lot.
_NAMED = f"""SELECT CASE WHEN s.product_id IS NULL THEN {named_in_details("lossId")} END AS loss,
    {named_in_details("productId", "product_id")} AS product, {named_in_details("cacaoBatchId", "cacao_batch_id")} AS lot,
    {named_in_details("inputBatchId", "input_batch_id")} AS input, {named_in_details("outputBatchId", "output_batch_id")} AS output"""
SAID = """SELECT coalesce(s.details ->> 'quantityKg', s.details ->> 'quantity_kg', s.details #>> '{weight,net_kg}',
    CASE WHEN s.details #>> '{quantityList,0,uom}' = 'KGM' AND s.details #> '{quantityList,1}' IS NULL
      THEN s.details #>> '{quantityList,0,quantity}' END) AS said"""

RULES = (
    Rule(
        code="event_without_subject",
        severity=WARNING,
        title="An event names neither a product nor a lot.",
        judges=(EVENTS,),
        source=f"""
<events> s WHERE s.product_id IS NULL AND s.cacao_batch_id IS NULL AND {CURRENT}""",
        message="format('event %s names neither a product nor a lot', s.event)",
        evidence={"event": "s.event"},
    ),
    # Kilograms are compared only if their object is certain: a loss or an edge that the event names, or
    # the whole lot if the event made it. A shipment may have a part of a lot.
    Rule(
        code="quantity_mismatch",
        severity=ERROR,
        title="An event states other kilograms than the edge, the loss or the lot that it names.",
        judges=(EVENTS,),
        source=f"""
<events> s
CROSS JOIN LATERAL (
  SELECT CASE WHEN v.said ~ {NUMBER} THEN round(v.said::numeric, 3) END AS kg FROM ({SAID} OFFSET 0) v OFFSET 0) t
CROSS JOIN LATERAL (
  SELECT n.loss, coalesce(s.product_id, n.product) AS product,
    CASE WHEN n.input IS NULL THEN n.output ELSE s.cacao_batch_id END AS output,
    CASE WHEN s.product_id IS NOT NULL THEN n.lot WHEN n.product IS NOT NULL THEN s.cacao_batch_id
      WHEN n.input IS NOT NULL THEN n.input WHEN n.output IS NOT NULL THEN s.cacao_batch_id END AS input
  FROM ({_NAMED} OFFSET 0) n OFFSET 0) n
CROSS JOIN LATERAL (
  SELECT 'loss' AS what, (SELECT json_build_object('kg', round(x.quantity_kg, 3)::text) FROM losses x
    WHERE x.loss_id = n.loss AND x.cacao_batch_id = s.cacao_batch_id) AS known WHERE n.loss IS NOT NULL
  UNION ALL SELECT 'edge', (SELECT json_build_object('kg', round(x.quantity_kg, 3)::text) FROM product_cacao_batch x
    WHERE x.product_id = n.product AND x.cacao_batch_id = n.input)
    WHERE n.loss IS NULL AND n.product IS NOT NULL AND n.input IS NOT NULL
  UNION ALL SELECT 'edge', (SELECT json_build_object('kg', round(x.quantity_kg, 3)::text) FROM cacao_batch_input x
    WHERE x.output_batch_id = n.output AND x.input_batch_id = n.input)
    WHERE n.loss IS NULL AND n.product IS NULL AND n.input IS NOT NULL
  UNION ALL SELECT 'lot', json_build_object('kg', round(x.quantity, 3)::text) FROM cacao_batches x
    WHERE n.loss IS NULL AND n.input IS NULL AND x.cacao_batch_id = s.cacao_batch_id
      AND s.event IN ('harvested', 'processed', 'produced')
  OFFSET 0) e
WHERE s.details ?| '{{quantityKg,quantity_kg,weight,quantityList}}' AND t.kg IS NOT NULL
  AND (e.known IS NULL OR (e.known ->> 'kg')::numeric <> t.kg)
  AND {CURRENT}""",
        message="format('event %s states %s kg, the %s has %s', s.event, t.kg, e.what,"
        " CASE WHEN e.known IS NULL THEN 'no record' ELSE e.known ->> 'kg' || ' kg' END)",
        evidence={
            "event": "s.event",
            "statedKg": "t.kg::text",
            "recordedKg": "e.known ->> 'kg'",
            "of": "e.what",
            "lossId": "n.loss",
            "productId": "CASE WHEN e.what = 'edge' THEN n.product END",
            "outputCacaoBatchId": "CASE WHEN e.what = 'edge' AND n.product IS NULL THEN n.output END",
            "inputCacaoBatchId": "CASE WHEN e.what = 'edge' THEN n.input END",
        },
    ),
)
