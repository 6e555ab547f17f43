"""Rules about claims: certificates that cover a lot, and its custody."""

from models.findings.rule import ERROR, INPUTS, LOTS, Rule

_DAY = "coalesce(s.production_date, s.harvest_date)"

RULES = (
    Rule(
        code="certificate_missing",
        severity=ERROR,
        title="A lot claims a scheme of which its supplier never held a certificate.",
        judges=(LOTS,),
        source="""
<lots> s WHERE s.certification IS NOT NULL AND NOT EXISTS (
  SELECT FROM certificates c WHERE c.supplier_id = s.supplier_id AND same_scheme(c.scheme, s.certification))""",
        message="format('claims %s; its supplier has no certificate of that scheme', s.certification)",
        evidence={"certification": "s.certification", "day": _DAY},
    ),
    Rule(
        code="certificate_expired",
        severity=ERROR,
        title="A lot claims a scheme, but no certificate of its supplier was valid on the day it was produced,"
        " or else harvested.",
        judges=(LOTS,),
        source=f"""
<lots> s CROSS JOIN LATERAL (
  SELECT c.certificate_id, c.number, c.valid_from, c.valid_to FROM certificates c
  WHERE c.supplier_id = s.supplier_id AND same_scheme(c.scheme, s.certification)
  ORDER BY greatest(c.valid_from - {_DAY}, {_DAY} - c.valid_to), c.certificate_id LIMIT 1) c
WHERE s.certification IS NOT NULL AND ({_DAY} BETWEEN c.valid_from AND c.valid_to) IS NOT TRUE""",
        message=f"format('claims %s on %s; certificate %s is valid from %s to %s', s.certification,"
        f" coalesce({_DAY}::text, 'an unknown day'), c.number, c.valid_from, c.valid_to)",
        evidence={
            "certification": "s.certification",
            "day": _DAY,
            "number": "c.number",
            "validFrom": "c.valid_from",
            "validTo": "c.valid_to",
        },
        where={"certificate_id": "c.certificate_id"},
    ),
    Rule(
        code="custody_too_strong",
        severity=ERROR,
        title="A lot claims a stronger custody than a lot that went into it; unknown is the weakest.",
        judges=(INPUTS,),
        source="""
<inputs> s CROSS JOIN LATERAL (
  SELECT l.custody FROM cacao_batches l WHERE l.cacao_batch_id = s.output_batch_id <fence>) o
CROSS JOIN LATERAL (
  SELECT l.custody FROM cacao_batches l WHERE l.cacao_batch_id = s.input_batch_id <fence>) i
WHERE o.custody IS NOT NULL AND custody_rank(o.custody) > custody_rank(i.custody)""",
        message="format('is %s, made of cacao batch %s, which is %s', o.custody, s.input_batch_id,"
        " coalesce(i.custody, 'of unknown custody'))",
        evidence={"custody": "o.custody", "inputCustody": "i.custody"},
    ),
    # `origin_of` follows one path back. If other paths lead elsewhere, a lot on the path mixes origins
    # and has a finding of its own.
    Rule(
        code="custody_mixed",
        severity=ERROR,
        title="An identity preserved lot was made of identity preserved lots of different origin.",
        judges=(LOTS,),
        source="""
<lots> s CROSS JOIN LATERAL (
  SELECT array_agg(DISTINCT x.origin ORDER BY x.origin) FILTER (WHERE x.origin IS NOT NULL) AS origins,
    count(DISTINCT x.origin) + count(*) FILTER (WHERE x.origin IS NULL) AS number FROM (
    SELECT origin_of(l.cacao_batch_id) AS origin
    FROM cacao_batch_input e JOIN cacao_batches l ON l.cacao_batch_id = e.input_batch_id
    WHERE e.output_batch_id = s.cacao_batch_id AND l.custody = 'identity_preserved' OFFSET 0) x
  OFFSET 0) o
WHERE s.custody = 'identity_preserved' AND o.number > 1""",
        message="format('is identity_preserved, made of lots of %s suppliers', o.number)",
        evidence={"originSupplierIds": "o.origins"},
    ),
)
