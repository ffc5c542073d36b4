"""A sample of random configurations against PyTorch; ``python -m tests.nn.parity`` runs more."""

import pytest

parity = pytest.importorskip("tests.nn.parity", reason="PyTorch is not installed")


@pytest.mark.filterwarnings(
    "ignore:.*reduction.*mean:UserWarning", "ignore:.*padding=.same:UserWarning"
)
@pytest.mark.parametrize("name", parity.FAMILIES)
def test_random_configurations_agree_with_pytorch(name):
    families = list(parity.FAMILIES)
    wrong = []
    for seed in range(families.index(name), 20 * len(families), len(families)):
        _, differ = parity.run(1, seed)
        wrong += differ
    assert not wrong


def test_a_difference_is_reported(monkeypatch):
    monkeypatch.setattr(parity.nn.Linear, "forward", lambda self, x: x @ self.weight.T)
    agreed, differ = parity.run(1, list(parity.FAMILIES).index("linear"))
    assert not agreed
    assert "linear, seed 0: AssertionError" in differ[0]
