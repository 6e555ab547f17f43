"""Rules about the ledger: each event equals its leaf, and the event of each leaf exists.

The rules trust the stored leaves. `audit verify` checks with the public key that these were signed.
"""

from models.findings.rule import ERROR, EVENTS, LEAVES, Rule

_HASHED = "substr(l.hashes, 1, 32) = sha256('\\x00'::bytea || l.leaf)"
_LEAF = "convert_from(l.leaf, 'UTF8')::jsonb"
_EVENT = "ledger_record(ROW(s.*)::transactions)"
# For an equation, PostgreSQL expects few rows and plans parallel workers. A leaf has details as text
# (`asText`) if they are too deep or have a number that is no double; those details are not compared.
_DIFFERS = f"""CASE WHEN NOT {_HASHED} THEN 1 WHEN {_LEAF} - '{{salt,sequence,version}}'::text[] = {_EVENT} THEN 0
   WHEN {_LEAF} ? 'asText' AND {_LEAF} - '{{salt,sequence,version,asText,details}}'::text[] = {_EVENT} - 'details' THEN 0
   ELSE 1 END = 1"""

RULES = (
    Rule(
        code="ledger_mismatch",
        severity=ERROR,
        title="An event differs from its leaf in the ledger, or has no leaf and is not queued for one.",
        judges=(EVENTS,),
        source=f"""
(SELECT s.transaction_id, s.product_id, s.cacao_batch_id, l.sequence, {_EVENT} AS now,
   CASE WHEN {_HASHED} THEN {_LEAF} - '{{salt,sequence,version,asText}}'::text[] END AS said
 FROM <events> s CROSS JOIN LATERAL (
   SELECT e.sequence, e.leaf, e.hashes FROM ledger_entries e WHERE e.transaction_id = s.transaction_id <fence>) l
 WHERE {_DIFFERS}
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
        title="The ledger has a leaf of an event that does not exist.",
        judges=(LEAVES,),
        source="""
<leaves> s WHERE NOT EXISTS (SELECT FROM transactions t WHERE t.transaction_id = s.transaction_id)""",
        message="format('event %s of leaf %s is not there', s.transaction_id, s.sequence)",
        evidence={"sequence": "s.sequence", "transactionId": "s.transaction_id"},
    ),
)
