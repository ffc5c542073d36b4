"""Formulas of derivative rules, read from the rules."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.engine.primitive import table


def formulas(f, *inputs):
    facts = [fact for box in ag.draw(f, *inputs).graph.boxes for fact in box.facts]
    return {name: text for name, text in facts if name.startswith("gradient of ")}


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (np.sin, "g * cos(x)"),
        (np.tanh, "g * (1 - out * out)"),
        (np.exp, "g * out"),
        (nn.sigmoid, "g * out * (1 - out)"),  # its docstring
    ],
)
def test_a_rule_is_its_own_formula(f, expected):
    assert formulas(f, np.ones(3)) == {"gradient of x": expected}


def test_each_argument_has_the_name_that_its_rule_gives_it():
    assert formulas(lambda a, b: a / b, np.ones(3), np.ones(3)) == {
        "gradient of x": "g / y",
        "gradient of y": "-(g * out) / y",
    }
    fixed = np.ones(3)
    assert formulas(lambda a: a * ag.tensor(fixed), ag.tensor(np.ones(3), requires_grad=True)) == {
        "gradient of x": "g * y"
    }


def test_a_rule_made_by_another_function_has_no_formula():
    @ag.primitive
    def scaled(x):
        return 3 * x

    def make(factor):
        return lambda g, _out, _x: factor * g

    scaled.defvjp(make(3))
    assert formulas(scaled, np.ones(3)) == {}


def test_a_rule_without_source_has_no_formula():
    @ag.primitive
    def scaled(x):
        return 3 * x

    space = {}
    exec("rule = lambda g, _out, _x: 3 * g", space)
    scaled.defvjp(space["rule"])
    assert formulas(scaled, np.ones(3)) == {}


def test_formulas_hold():
    """Evaluate the formula of every elementwise function of one argument against its rule."""
    from autograd_core.drawing.trace.rule_text import _formula

    names = {**vars(np), "LN2": np.log(2), "LN10": np.log(10), "DEGREE": np.pi / 180}
    domain, g = np.array([0.3, 0.7]), np.array([1.5, -2.0])
    tried = 0
    for fun, primitive in table.items():
        rules = primitive.rules
        if rules is None or not rules.elementwise or not isinstance(rules.vjps, tuple):
            continue
        if len(rules.vjps) == 1 and (text := _formula(rules.vjps[0])):
            x = domain if fun is not np.arccosh else domain + 1
            out = fun(x)
            try:
                found = eval(text, names | {"g": g, "out": out, "x": x})
            except (NameError, SyntaxError):
                continue  # names of the rule's module, or words
            np.testing.assert_allclose(found, rules.vjps[0](g, out, x), rtol=1e-12)
            tried += 1
    assert tried > 20
