"""The thresholds of the checker's quality, on a fixed part of the corpus."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.checking import verdict
from autograd_core.checking.evaluation_point import EvaluationPoint
from tests.gradcheck_quality import latent, measure, mutants
from tests.gradcheck_quality.awkward import AWKWARD
from tests.gradcheck_quality.planted import PLANTED
from tests.sampling import sampled

pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.mark.parametrize("step", sampled((24, 8), 2))
def test_planted_bugs_are_found(step):
    part = PLANTED[::step]
    found = measure.detection(part)
    how = Counter(row["sample"] for row in found.values())
    assert how["error"] >= 0.5 * len(part)  # the others need samples that are made up
    assert how["missed"] <= 0.04 * len(part)
    strict = Counter(measure.check(e, strict=True) for e in part)
    assert strict["error"] >= 0.88 * len(part)
    triggered = Counter(row["trigger"] for row in found.values())
    assert triggered["missed"] == 0
    assert triggered["error"] >= 0.85 * len(part)


@pytest.mark.parametrize("step", sampled((3, 1), 2))
def test_every_class_is_caught_and_named(step):
    classes = {}
    for e in PLANTED:
        classes.setdefault(e.kind, e)
    for kind, e in list(classes.items())[::step]:
        inputs = e.trigger or e.inputs
        report = ag.gradcheck(e.subject, *inputs, order=2)
        assert report.findings, kind
        assert str(report.findings[0]).startswith("["), kind


@pytest.mark.parametrize("step", sampled((9, 3), 2))
def test_what_is_awkward_but_right_is_not_accused(step):
    assert len(measure.false_alarms(AWKWARD[::step])) <= 0.01 * len(AWKWARD)


@pytest.mark.parametrize("n", sampled((5, 15), 2))
def test_random_compositions_are_not_accused(n):
    assert measure.compositions(n, seed=3) == Counter({"pass": n})


@pytest.mark.parametrize(("step", "least"), sampled(((216, 4), (36, 30)), 2))
def test_visible_mutants_of_the_rules_are_found(step, least):
    caught, missed = measure.mutated(step)
    assert sum(caught.values()) > least
    assert not missed


@pytest.mark.parametrize(("step", "least"), sampled(((60, 1), (20, 4)), 2))
def test_mutants_that_are_wrong_at_second_order_alone_are_found(step, least):
    caught, missed = measure.mutated(step, mutants.detached)
    assert caught["order 2: fail"] > least
    assert not missed


@pytest.mark.exhaustive
def test_latent_mutants_are_found_by_the_signature():
    caught, missed = latent.caught(("max", "std", "cumprod"))
    assert caught["error"] > 4
    assert len(missed) <= 0.1 * sum(caught.values())


WITHOUT = {
    "properties": lambda m: m.setattr("autograd_core.checking.check.properties", lambda *a: iter(())),
    "ties": lambda m: m.setattr(
        EvaluationPoint, "tie_directions", lambda self: np.zeros((0, self.x.size))
    ),
    "layouts": lambda m: m.setattr("autograd_core.checking.check.Check.same_values", lambda s: None),
    "precision": lambda m: m.setattr("autograd_core.checking.check.precision", lambda *a: iter(())),
    "values": lambda m: m.setattr("autograd_core.checking.samples.variants.values", lambda xs: iter(())),
    "shapes": lambda m: m.setattr("autograd_core.checking.samples.variants.shapes", lambda xs, fixed: iter(())),
    "indices": lambda m: m.setattr("autograd_core.checking.samples.variants.integers", lambda a, b: iter(())),
    "repeats": lambda m: m.setattr("autograd_core.checking.check.repeats", lambda *a: iter(())),
}  # fmt: skip
LETS_THROUGH = {
    "properties": "cached-state", "ties": "double-counted-ties", "layouts": "zero-stride-cotangent",
    "precision": "float32-only", "values": "negative-values", "shapes": "size-1-axes",
    "indices": "repeated-indices", "repeats": "non-deterministic",
}  # fmt: skip


@pytest.mark.parametrize("part", sampled(WITHOUT, 4))
def test_no_part_of_the_checker_can_be_dropped(part, monkeypatch):
    entries = [e for e in PLANTED if e.kind == LETS_THROUGH[part]]
    before = sum(measure.check(e, strict=True) == "error" for e in entries)
    assert before
    WITHOUT[part](monkeypatch)
    assert sum(measure.check(e, strict=True) == "error" for e in entries) < before


def test_without_complex_steps_an_inaccurate_difference_lets_pass(monkeypatch):
    pair = (lambda x: 1.0 + 1e-11 * np.sin(x), lambda g, out, x: g * 1.005e-11 * np.cos(x))
    x = np.array([0.3, 0.7, 1.1])
    assert ag.gradcheck(pair, x, variants=False).verdict == "inconclusive"
    monkeypatch.setattr(verdict, "complex_step_mismatches", lambda *a: [])
    assert ag.gradcheck(pair, x, variants=False).verdict == "pass"


ALARMED = {
    "the range of slopes nearby": lambda m: m.setattr(
        EvaluationPoint, "slope_range", lambda *a, **k: None
    ),
    "reconsidering": lambda m: m.setattr(verdict, "reconsider", lambda p, mismatch, *a: mismatch),
    "the noise of the values": lambda m: m.setattr(
        EvaluationPoint, "_noise", lambda self: np.zeros(self.y.size)
    ),
}
ALARMING = ("tanh-inside-float32", "relu-plus-abs", "median-with-ties", "fast-oscillation")


@pytest.mark.parametrize("part", sampled(ALARMED, 3))
def test_no_part_that_prevents_false_alarms_can_be_dropped(part, monkeypatch):
    entries = [e for e in AWKWARD if e.id in ALARMING]
    assert not measure.false_alarms(entries, strict=True)
    ALARMED[part](monkeypatch)
    assert measure.false_alarms(entries, strict=True)
