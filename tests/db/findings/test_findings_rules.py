"""Each rule finds the rows that break it, with exact figures, and no row at the limit."""

import pytest

from models.findings import RULES, SEVERITIES, Scope
from tests.db.findings.samples import SAMPLES
from tests.db.findings.sound import (
    Auditor,
    Sample,
    belongs,
    members,
    scopes,
    shown,
    where_of,
)

BY_RULE = {rule.code: rule for rule in RULES}


def test_sound_world_trips_no_rule(auditor: Auditor) -> None:
    assert auditor.find() == []
    assert [auditor.find(scope) for scope in scopes()] == [[]] * 21


def test_every_rule_has_a_sample() -> None:
    assert {sample.rule for sample in SAMPLES} == BY_RULE.keys()
    assert {rule.severity for rule in RULES} <= {*SEVERITIES}


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_rule_finds_what_breaks_it_with_its_figures(auditor: Auditor, sample: Sample) -> None:
    auditor.write(sample.breaks)
    (found,) = auditor.find(rules=[sample.rule])
    assert found["message"] == sample.message
    assert found["evidence"] == sample.evidence
    assert where_of(found) == sample.where
    assert found["severity"] == BY_RULE[sample.rule].severity
    others = sorted({finding["rule"] for finding in auditor.find()} - {sample.rule})
    assert tuple(others) == sample.also


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_rule_finds_nothing_in_what_just_does_not_break_it(
    auditor: Auditor, sample: Sample
) -> None:
    auditor.write(sample.keeps)
    assert auditor.find(rules=[sample.rule]) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_findings_of_a_scope_are_those_of_everything_that_belong_to_it(
    auditor: Auditor, sample: Sample
) -> None:
    auditor.write(sample.breaks)
    everything = auditor.find()
    for scope in scopes():
        members_ = members(auditor, scope)
        expected = [shown(finding) for finding in everything if belongs(finding, *members_)]
        assert [shown(finding) for finding in auditor.find(scope)] == expected, scope


def test_finding_of_a_lot_is_in_the_scopes_of_everything_made_from_it(auditor: Auditor) -> None:
    auditor.write("delete from cacao_batch_plot where cacao_batch_id = 1")
    told = [scope for scope in scopes() if auditor.find(scope)]
    assert told == [
        *(Scope("Product", "1"), Scope("Product", "2")),
        *(Scope("CacaoBatch", "1"), Scope("CacaoBatch", "3"), Scope("CacaoBatch", "4")),
        *(Scope("CacaoBatch", "1", "false"), Scope("Supplier", "1")),
    ]


def test_marks_that_triggers_keep_are_not_believed(auditor: Auditor) -> None:
    """Marks without a hold, as after a release with triggers off."""
    auditor.write("update cacao_batches set on_hold = true; update products set on_hold = true")
    auditor.write("insert into flags (cacao_batch_id, rule, message) values (3, 'yield', 'x')")
    assert auditor.find() == []


@pytest.mark.parametrize("rule", ["event_too_early", "event_in_future", "quantity_mismatch"])
def test_event_that_was_corrected_no_longer_says_it(auditor: Auditor, rule: str) -> None:
    sample = next(sample for sample in SAMPLES if sample.rule == rule)
    auditor.write(sample.breaks)
    assert len(auditor.find()) == 1
    auditor.write(
        """insert into transactions (product_id, cacao_batch_id, "timestamp", event, record_time, corrects,
             correction_reason)
           select product_id, cacao_batch_id, '2026-05-01 00:00Z', 'corrected', '2026-05-01 00:00Z', 3, 'typo'
           from transactions where transaction_id = 3; insert into ledger_queue values (4)"""
    )
    assert auditor.find() == []
