"""nn.sklearn across its files: scikit-learn's tools, labels, stopping, refused parameters."""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import nn
from nn import sklearn as ours
from tests.nn.sklearn.test_estimators import DIABETES, TWO, UNSETTLED, WINE

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.filterwarnings(UNSETTLED)


def test_pipeline_grid_search_cross_validation_and_clone():
    network = ours.MLPClassifier((10,), solver="lbfgs", max_iter=30, random_state=0)
    model = make_pipeline(StandardScaler(), network)
    x, y = load_wine(return_X_y=True)
    grid = {
        "mlpclassifier__alpha": [1e-3, 1e3],
        "mlpclassifier__hidden_layer_sizes": [(5,), (9, 4)],
    }
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(x, y)
    assert search.best_params_["mlpclassifier__alpha"] == 1e-3
    assert search.best_score_ > 0.9
    scores = cross_val_score(model, x, y, cv=4, error_score="raise")
    assert scores.min() > 0.85
    with joblib.parallel_backend("threading"):
        at_once = cross_val_score(model, x, y, cv=4, n_jobs=2, error_score="raise")
    assert (at_once == scores).all()
    copy = clone(network)
    assert not hasattr(copy, "module_")
    assert copy.get_params() == network.get_params()
    assert set(network.get_params()) == set(neural_network.MLPClassifier().get_params())


def test_random_state():
    def weights(state, fits=1):
        model = ours.MLPClassifier((4,), max_iter=3, random_state=state)
        return [model.fit(*WINE).coefs_[0].copy() for _ in range(fits)]

    first, second = weights(5, 2)
    assert (first == second).all()
    first, second = weights(np.random.RandomState(5), 2)
    assert (first == weights(5)[0]).all()
    assert (first != second).any()
    assert (weights(None)[0] != weights(None)[0]).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pickle_goes_on_where_it_stopped(dtype, tmp_path):
    x, y = DIABETES[0].astype(dtype), DIABETES[1]
    model = ours.MLPRegressor((6,), random_state=0).partial_fit(x, y)
    joblib.dump(model, tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")):
        assert (copy.predict(x) == model.predict(x)).all()
        expected = pickle.loads(pickle.dumps(model)).partial_fit(x, y).predict(x)
        assert (copy.partial_fit(x, y).predict(x) == expected).all()
        assert (expected != model.predict(x)).any()
        assert expected.dtype == dtype


def test_the_network_can_be_taken_out(tmp_path):
    model = ours.MLPClassifier((6, 4), "tanh", max_iter=5, random_state=0).fit(*WINE)
    path = tmp_path / "weights.safetensors"
    nn.save(path, model.module_)
    network = nn.mlp([13, 6, 4, 3], "tanh", output=None, dtype=float)
    network.load_state_dict(nn.load(path))
    shares = nn.softmax(network(WINE[0])).data
    np.testing.assert_allclose(shares, model.predict_proba(WINE[0]))
    assert all(p.grad is None for p in model.module_.parameters())


def test_feature_names():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(WINE[0]).add_prefix("f")
    model = ours.MLPClassifier(max_iter=2).fit(table, WINE[1])
    assert list(model.feature_names_in_) == list(table.columns)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table.rename(columns={"f0": "g"}))


def test_sparse_and_dense_are_one():
    from scipy import sparse

    x = np.where(np.abs(WINE[0]) > 1, WINE[0], 0)
    options = {"max_iter": 5, "random_state": 0, "batch_size": 50, "early_stopping": True}
    for solver in ("adam", "lbfgs"):
        a, b = (ours.MLPClassifier(solver=solver, **options).fit(form, WINE[1])
                for form in (x, sparse.csr_matrix(x)))  # fmt: skip
        np.testing.assert_allclose(b.predict_proba(sparse.csr_matrix(x)), a.predict_proba(x))


# -- labels, stopping, refusals -------------------------------------------------------------------


def test_labels_and_probabilities():
    model = ours.MLPClassifier(random_state=0, max_iter=100).fit(*TWO)
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.module_[-1].out_features == 1
    shares = model.predict_proba(TWO[0])
    np.testing.assert_allclose(shares.sum(1), 1)
    assert (model.classes_[shares.argmax(1)] == model.predict(TWO[0])).all()
    np.testing.assert_allclose(model.predict_log_proba(TWO[0]), np.log(shares))
    assert model.predict_log_proba(1e6 * TWO[0]).min() == -np.inf
    one = ours.MLPClassifier(max_iter=2).fit(TWO[0], ["x"] * len(TWO[0]))
    assert set(one.predict(TWO[0])) == {"x"}
    assert (one.predict_proba(TWO[0]) == 1).all()


def test_early_stopping_can_be_switched_between_fits():
    options = {"solver": "sgd", "learning_rate_init": 0.05, "random_state": 1}
    model = ours.MLPRegressor(early_stopping=True, **options).fit(*DIABETES)
    scores = model.validation_scores_
    assert max(scores) == model.best_validation_score_ > scores[-1]
    assert model.n_iter_ == len(scores) < 200
    assert model.best_loss_ is None
    start = model.score(*DIABETES)
    model.set_params(early_stopping=False, warm_start=True, learning_rate_init=1e-4, max_iter=2)
    assert model.fit(*DIABETES).score(*DIABETES) == pytest.approx(start, abs=0.05)
    assert start > 0.4
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.set_params(early_stopping=True).fit(*DIABETES).best_loss_ is None
    late = ours.MLPRegressor(warm_start=True, max_iter=2, **options).fit(*DIABETES)
    assert len(late.set_params(early_stopping=True).fit(*DIABETES).validation_scores_) == 2


@pytest.mark.parametrize("options", [{}, {"solver": "lbfgs"}, {"solver": "lbfgs", "max_fun": 3}])
def test_a_training_that_has_not_settled_warns(options):
    with pytest.warns(ConvergenceWarning, match="raise max_iter or tol=0.0001") as caught:
        ours.MLPClassifier(**{"max_iter": 3, **options}).fit(*WINE)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        ours.MLPClassifier(tol=10, **({"max_iter": 200} | options)).fit(*WINE)


def test_ctrl_c_keeps_what_is_learned(monkeypatch):
    calls = iter(range(100))
    model, losses = ours.MLPRegressor(batch_size=100), ours.MLPRegressor._losses

    def interrupted(self, *args):
        if next(calls) == 12:
            raise KeyboardInterrupt
        return losses(self, *args)

    monkeypatch.setattr(ours.MLPRegressor, "_losses", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(*DIABETES)
    assert model.n_iter_ == len(model.loss_curve_) == 2
    assert model.predict(DIABETES[0]).shape == (442,)


REFUSED = [
    ("hidden_layer_sizes", (0,)), ("hidden_layer_sizes", (2.5,)), ("hidden_layer_sizes", "10"),
    ("hidden_layer_sizes", [[3]]), ("activation", "sigmoidal"), ("activation", None),
    ("solver", "newton"), ("alpha", -1), ("alpha", np.nan), ("batch_size", 0), ("batch_size", "all"),
    ("learning_rate", "fast"), ("learning_rate_init", 0), ("learning_rate_init", np.inf),
    ("power_t", "1"), ("max_iter", 0), ("max_iter", 2.0), ("tol", -1), ("momentum", 1.5),
    ("validation_fraction", 1), ("beta_1", 1), ("beta_2", -0.1), ("epsilon", 0),
    ("n_iter_no_change", 0), ("n_iter_no_change", 2.5), ("max_fun", 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=str)
def test_parameters_that_make_no_sense(name, value):
    with pytest.raises(ValueError, match=f"MLPRegressor: {name} is .*, got ") as caught:
        ours.MLPRegressor(**{name: value}).fit(*DIABETES)
    assert repr(value) in str(caught.value)


def test_refusals():
    x, y = WINE
    new = ours.MLPClassifier
    with pytest.raises(ValueError, match="first call to partial_fit"):
        new().partial_fit(x, y)
    model = new().partial_fit(x, y, classes=[0, 1, 2, 3])
    assert model.predict_proba(x).shape == (len(x), 4)
    with pytest.raises(ValueError, match="not those of before"):
        model.partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"classes \[7\].*begin anew"):
        model.partial_fit(x, y + 5 * (y == 2))
    with pytest.raises(ValueError, match="holds nothing out"):
        new(early_stopping=True).partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="needs 2"):
        new(early_stopping=True, validation_fraction=0.004).fit(x, y)
    with pytest.raises(ValueError, match=r"\[13, 5, 3\] cannot go on from one of \[13, 4, 3\]"):
        new(4, warm_start=True, max_iter=1).fit(x, y).set_params(hidden_layer_sizes=5).fit(x, y)
    with pytest.raises(ValueError, match="Unknown label type"):
        new().fit(*DIABETES)
    with pytest.warns(UserWarning, match="batch_size=500 is cut to the 178 examples"):
        new(batch_size=500, max_iter=1).fit(x, y)
    with (
        pytest.raises(nn.NonFiniteLossError, match="smaller learning rate"),
        np.errstate(all="ignore"),
    ):
        ours.MLPRegressor(solver="sgd", learning_rate_init=1e200).fit(*DIABETES)
    assert not hasattr(new(solver="lbfgs"), "partial_fit")


def test_partial_fit_after_another_fit_moves_the_new_network():
    model = ours.MLPClassifier(max_iter=2, random_state=0).fit(*WINE)
    model.set_params(solver="lbfgs").fit(*WINE).set_params(solver="adam")
    before = model.coefs_[0].copy()
    model.partial_fit(*WINE)
    assert (model.coefs_[0] != before).any()


def test_verbose_prints_a_line_an_epoch(capsys):
    ours.MLPRegressor(max_iter=3, verbose=True).fit(*DIABETES)
    assert capsys.readouterr().out.count("epoch ") == 3


def test_scikit_learn_is_imported_when_it_is_asked_for():
    code = """
import sys, nn
assert not {"sklearn", "scipy"} & set(sys.modules)
assert "sklearn" in dir(nn)
sys.modules["sklearn"] = None
try:
    nn.sklearn
except ImportError as error:
    assert "pip install scikit-learn" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    with pytest.raises(AttributeError, match="no attribute 'skleam'"):
        nn.skleam  # noqa: B018


def test_weights_of_nan_predict_nothing():
    x, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    model = ours.MLPClassifier((3,), max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(x, y)
    model.module_[0].bias.data = np.full(3, np.nan)
    for predict in (model.predict, model.predict_proba):
        with pytest.raises(ValueError, match="not all finite"):
            predict(x)
