"""Rules about the kilograms that lots contain, give and lose."""

from models.findings.rule import ERROR, LOTS, WARNING, Rule

RULES = (
    Rule(
        code="overdraw",
        severity=ERROR,
        title="A lot gave and lost more kilograms than it holds.",
        judges=(LOTS,),
        source="""
<lots> s CROSS JOIN LATERAL (SELECT
  (SELECT round(coalesce(sum(x.quantity_kg), 0), 3) FROM product_cacao_batch x
   WHERE x.cacao_batch_id = s.cacao_batch_id) AS products,
  (SELECT round(coalesce(sum(x.quantity_kg), 0), 3) FROM cacao_batch_input x
   WHERE x.input_batch_id = s.cacao_batch_id) AS lots,
  (SELECT round(coalesce(sum(x.quantity_kg), 0), 3) FROM losses x
   WHERE x.cacao_batch_id = s.cacao_batch_id) AS lost OFFSET 0) d
WHERE d.products + d.lots + d.lost > s.quantity""",
        message="format('holds %s kg; its uses and losses add up to %s kg',"
        " round(s.quantity, 3), d.products + d.lots + d.lost)",
        evidence={
            "heldKg": "round(s.quantity, 3)::text",
            "givenToProductsKg": "d.products::text",
            "givenToLotsKg": "d.lots::text",
            "lostKg": "d.lost::text",
        },
    ),
    # Writers flag a lot by the same yields; this rule applies them to the present rows.
    Rule(
        code="yield_too_high",
        severity=WARNING,
        title="A lot gave more kilograms than its recorded inputs yield by the conversion factors of its day.",
        judges=(LOTS,),
        source="""
<lots> s CROSS JOIN LATERAL (
  SELECT v.cacao_batch_id, v.yield_kg FROM cacao_batch_yields v
  WHERE v.cacao_batch_id = s.cacao_batch_id OFFSET 0) y
CROSS JOIN LATERAL (
  SELECT round(sum(x.quantity_kg), 3) AS kg FROM cacao_batch_draws x
  WHERE x.cacao_batch_id = y.cacao_batch_id OFFSET 0) d
CROSS JOIN LATERAL (
  SELECT round(sum(x.quantity_kg), 3) AS kg FROM cacao_batch_input x
  WHERE x.output_batch_id = y.cacao_batch_id OFFSET 0) i
WHERE d.kg > y.yield_kg""",
        message="format('gave %s kg; its inputs of %s kg yield %s kg', d.kg, i.kg, y.yield_kg)",
        evidence={
            "gaveKg": "d.kg::text",
            "yieldKg": "y.yield_kg::text",
            "inputsKg": "i.kg::text",
            "heldKg": "round(s.quantity, 3)::text",
            "factor": "round(y.yield_kg / i.kg, 5)::text",
        },
    ),
)
