"""Rules about time: events, lots and uses on a day on which they are impossible.

Days are local and times are UTC. A time is too early only if the day had not begun anywhere on Earth;
the earliest zone is fourteen hours ahead of UTC.
"""

from models.findings.rule import CURRENT, ERROR, EVENTS, FLOWS, LOTS, WARNING, Rule

RULES = (
    Rule(
        code="event_too_early",
        severity=ERROR,
        title="An event is dated before its lot was harvested, or else produced, or before its product was.",
        judges=(EVENTS,),
        source="""
<events> s LEFT JOIN LATERAL (
  SELECT l.harvest_date, l.production_date FROM cacao_batches l
  WHERE l.cacao_batch_id = s.cacao_batch_id <fence>) b ON true
LEFT JOIN LATERAL (
  SELECT q.production_date FROM products q WHERE q.product_id = s.product_id <fence>) p ON true
WHERE s."timestamp" < (coalesce(b.harvest_date, b.production_date, p.production_date)
  - interval '14 hours') AT TIME ZONE 'UTC' AND """
        + CURRENT,
        message="format('event %s on %s, %s only on %s', s.event, (s.\"timestamp\" AT TIME ZONE 'UTC')::date,"
        " CASE WHEN b.harvest_date IS NULL THEN 'produced' ELSE 'harvested' END,"
        " coalesce(b.harvest_date, b.production_date, p.production_date))",
        evidence={
            "event": "s.event",
            "timestamp": 's."timestamp"',
            "harvestDate": "b.harvest_date",
            "productionDate": "coalesce(b.production_date, p.production_date)",
        },
    ),
    Rule(
        code="event_in_future",
        severity=WARNING,
        title="An event is dated after it was recorded.",
        judges=(EVENTS,),
        source=f'<events> s WHERE s."timestamp" > s.record_time AND {CURRENT}',
        message="format('event %s is dated %s s after it was recorded', s.event,"
        ' round(extract(epoch FROM s."timestamp" - s.record_time), 3))',
        evidence={
            "event": "s.event",
            "timestamp": 's."timestamp"',
            "recordTime": "s.record_time",
        },
    ),
    Rule(
        code="produced_before_harvest",
        severity=ERROR,
        title="A lot was produced before it was harvested.",
        judges=(LOTS,),
        source="<lots> s WHERE s.production_date < s.harvest_date",
        message="format('produced on %s, harvested only on %s', s.production_date, s.harvest_date)",
        evidence={"productionDate": "s.production_date", "harvestDate": "s.harvest_date"},
    ),
    Rule(
        code="made_before_input",
        severity=ERROR,
        title="A lot or a product was made before a lot that it was made of was produced, or else harvested.",
        judges=FLOWS,
        source="""
<flows> s CROSS JOIN LATERAL (
  SELECT coalesce(l.production_date, l.harvest_date) AS day FROM cacao_batches l
  WHERE l.cacao_batch_id = s.input_batch_id <fence>) i
LEFT JOIN LATERAL (
  SELECT coalesce(l.production_date, l.harvest_date) AS day FROM cacao_batches l
  WHERE l.cacao_batch_id = s.output_batch_id <fence>) o ON true
LEFT JOIN LATERAL (
  SELECT q.production_date AS day FROM products q WHERE q.product_id = s.product_id <fence>) p ON true
WHERE coalesce(o.day, p.day) < i.day""",
        message="format('made on %s of cacao batch %s, which came to be only on %s',"
        " coalesce(o.day, p.day), s.input_batch_id, i.day)",
        evidence={"madeOn": "coalesce(o.day, p.day)", "inputMadeOn": "i.day"},
    ),
    # The rule follows the holds and the edges, and reads neither `on_hold` nor `hold_batch`. An edge
    # counts from its record time, so a hold reaches a lot by edges recorded before the release.
    Rule(
        code="use_after_hold",
        severity=ERROR,
        title="A lot was used during a hold that was placed on it or on a lot that it was made of.",
        judges=FLOWS,
        source="""
(WITH RECURSIVE held (hold_id, id, since, until) AS (
   SELECT h.hold_id, h.cacao_batch_id, h.placed_at, coalesce(h.released_at, 'infinity') FROM <holds> h
   UNION
   SELECT g.hold_id, x.id, greatest(g.since, x.record_time), g.until FROM held g CROSS JOIN LATERAL (
     SELECT e.output_batch_id AS id, e.record_time FROM cacao_batch_input e
     WHERE e.input_batch_id = g.id AND e.record_time < g.until OFFSET 0) x <within>)
 SELECT DISTINCT ON (f.product_id, f.output_batch_id, f.input_batch_id)
   f.product_id, f.output_batch_id, f.input_batch_id, f.record_time, g.hold_id
 FROM held g JOIN <flows> f ON f.input_batch_id = g.id
 WHERE f.record_time > g.since AND f.record_time < g.until
 ORDER BY f.product_id, f.output_batch_id, f.input_batch_id, g.hold_id) s
JOIN holds h ON h.hold_id = s.hold_id""",
        message="format('cacao batch %s was given on %s, on hold since %s: %s', s.input_batch_id,"
        " s.record_time, h.placed_at, h.reason)",
        evidence={
            "recordTime": "s.record_time",
            "placedAt": "h.placed_at",
            "releasedAt": "h.released_at",
            "reason": "h.reason",
            "heldCacaoBatchId": "h.cacao_batch_id",
        },
        where={"hold_id": "s.hold_id"},
    ),
)
