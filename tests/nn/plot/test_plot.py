"""nn.plot across its files: new figures, without matplotlib, and pictures during training."""

import subprocess
import sys

import numpy as np
import pytest

import nn

pytest.importorskip("matplotlib")


def test_a_new_figure_is_made_without_axes():
    from matplotlib import pyplot

    ax = nn.plot.weights(np.eye(4))
    assert pyplot.fignum_exists(ax.figure.number)
    pyplot.close(ax.figure)


def test_importing_nn_does_not_import_matplotlib():
    code = "import sys, nn; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        nn.plot.history(nn.History([{"epoch": 1, "loss": 1.0}]))


def test_draw_writes_every_few_epochs(tmp_path, trained):
    _, d, *_ = trained
    model = nn.mlp([64, 8, 10], rng=0)
    batch = d.x_train[:20], nn.one_hot(d.y_train[:20], 10)
    draw = nn.Draw(tmp_path / "new", nn.quadratic_cost, batch, every=2)
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    before = [np.array(p.data) for p in nn.mlp([64, 8, 10], rng=0).parameters()]
    nn.fit(model, [batch], nn.quadratic_cost, optimizer, 5, callbacks=[draw], progress=False)
    plain = nn.mlp([64, 8, 10], rng=0)
    optimizer = nn.SGD(plain.parameters(), lr=1.0)
    nn.fit(plain, [batch], nn.quadratic_cost, optimizer, 5, progress=False)
    for p, q, b in zip(model.parameters(), plain.parameters(), before, strict=True):
        assert np.array_equal(p.data, q.data)  # drawing changes nothing
        assert not np.array_equal(p.data, b)
    names = {p.name for p in (tmp_path / "new").iterdir()}
    assert names == {"gradient_flow_2.svg", "gradient_flow_4.svg", "history.png"}
    with pytest.raises(ValueError, match="from 1 up, got 0"):
        nn.Draw(tmp_path, nn.mse_loss, batch, every=0)
