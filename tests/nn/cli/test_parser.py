"""Types of options: what they take, and that numbers of any length are refused."""

import argparse

import pytest

from nn.cli import parser


@pytest.mark.parametrize(("kind", "text", "value"), [
    (parser.count, "7", 7), (parser.depth, "1000", 1000), (parser.seed, "0", 0),
    (parser.rate, "1e-3", 1e-3), (parser.temperature, "1e-6", 1e-6), (parser.sizes, "2,3", (2, 3)),
])  # fmt: skip
def test_values(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(("kind", "text"), [
    *((kind, text) for kind in (parser.count, parser.depth) for text in ("0", "-1", "1.5", "", "x")),
    (parser.count, "1000000001"), (parser.count, "9" * 100_000), (parser.depth, "1001"),
    (parser.seed, "-1"), (parser.seed, "9" * 40), (parser.seed, "9" * 5000),
    (parser.rate, "0"), (parser.rate, "nan"), (parser.rate, "inf"), (parser.rate, "x" * 10_000),
    (parser.temperature, "1e-7"),
    *((parser.sizes, text) for text in ("7", "7,", "7,0", "7,x", "7,-1", "7,1000000001", "1," * 2000)),
])  # fmt: skip
def test_refusals(kind, text):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        kind(text)
    assert len(str(caught.value)) < 200
