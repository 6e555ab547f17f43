"""Rules about the ledger: each event is what its leaf says, and each leaf is of an event that is there.

This reads leaves; that they are those that were signed is for `audit verify`, which is told the key.
"""

from models.findings.rule import ERROR, EVENTS, LEAVES, Rule

_HASHED = "substr(l.hashes, 1, 32) = sha256('\\x00'::bytea || l.leaf)"
TOLD = "convert_from(l.leaf, 'UTF8')::jsonb"
NOW = "ledger_record(ROW(s.*)::transactions)"
# As an equation PostgreSQL expects few events to differ, and shares all of them between processes. Of
# details with numbers that no double holds, or too deep, a leaf has texts: those are not compared.
DIFFERS = f"""CASE WHEN NOT {_HASHED} THEN 1 WHEN {TOLD} - '{{salt,sequence,version}}'::text[] = {NOW} THEN 0
   WHEN {TOLD} ? 'asText' AND {TOLD} - '{{salt,sequence,version,asText,details}}'::text[] = {NOW} - 'details' THEN 0
   ELSE 1 END = 1"""

RULES = (
    Rule(
        code="ledger_mismatch",
        severity=ERROR,
        title="An event is not what its leaf in the ledger says, or has none and does not wait for one.",
        judges=(EVENTS,),
        source=f"""
(SELECT s.transaction_id, s.product_id, s.cacao_batch_id, l.sequence, {NOW} AS now,
   CASE WHEN {_HASHED} THEN {TOLD} - '{{salt,sequence,version,asText}}'::text[] END AS said
 FROM <events> s CROSS JOIN LATERAL (
   SELECT e.sequence, e.leaf, e.hashes FROM ledger_entries e WHERE e.transaction_id = s.transaction_id <fence>) l
 WHERE {DIFFERS}
 UNION ALL
 SELECT s.transaction_id, s.product_id, s.cacao_batch_id, NULL, NULL, NULL FROM (
   SELECT s.transaction_id, s.product_id, s.cacao_batch_id FROM <events> s
   WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.transaction_id = s.transaction_id) <fence>) s
 WHERE NOT EXISTS (SELECT FROM ledger_queue q WHERE q.transaction_id = s.transaction_id)) s
CROSS JOIN LATERAL (
  SELECT array_agg(k.key ORDER BY k.key) AS keys FROM jsonb_object_keys(s.said || s.now) k (key)
  WHERE s.said -> k.key IS DISTINCT FROM s.now -> k.key) c""",
        message="CASE WHEN s.sequence IS NULL THEN 'is neither in the ledger nor on its way there'"
        " WHEN s.said IS NULL THEN format('leaf %s of the ledger is not what was hashed', s.sequence)"
        " ELSE format('differs from leaf %s of the ledger in: %s', s.sequence, array_to_string(c.keys, ', ')) END",
        evidence={
            "sequence": "s.sequence",
            "changed": "c.keys",
            "leaf": "s.said",
            "event": "CASE WHEN s.said IS NOT NULL THEN s.now END",
        },
    ),
    Rule(
        code="ledger_orphan",
        severity=ERROR,
        title="The ledger has a leaf of an event that is not there.",
        judges=(LEAVES,),
        source="""
<leaves> s WHERE NOT EXISTS (SELECT FROM transactions t WHERE t.transaction_id = s.transaction_id)""",
        message="format('event %s of leaf %s is not there', s.transaction_id, s.sequence)",
        evidence={"sequence": "s.sequence", "transactionId": "s.transaction_id"},
    ),
)
