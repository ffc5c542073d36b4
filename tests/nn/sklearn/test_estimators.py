"""The estimators against scikit-learn: its conformance suite, and its own networks."""

import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine, make_multilabel_classification
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nn import sklearn as ours

ROOT = Path(__file__).parents[3]
UNSETTLED = "ignore::sklearn.exceptions.ConvergenceWarning"
pytestmark = pytest.mark.filterwarnings(UNSETTLED)


def scaled(data):
    x, y = data(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    return x, (y - y.mean()) / y.std() if y.dtype.kind == "f" else y


WINE, DIABETES = scaled(load_wine), scaled(load_diabetes)
TWO = WINE[0], np.where(WINE[1] == 0, "yes", "no")
SEVERAL = make_multilabel_classification(80, 6, random_state=0)
MANY_NUMBERS = DIABETES[0], np.stack([DIABETES[1], DIABETES[0][:, 0] ** 2], 1)


@parametrize_with_checks([
    ours.MLPClassifier(max_iter=100),
    ours.MLPRegressor(max_iter=100),
    ours.MLPClassifier((20,), solver="lbfgs", max_iter=40),
    ours.MLPRegressor((20,), solver="lbfgs", max_iter=60),
])  # fmt: skip
def test_conforms(estimator, check):
    check(estimator)


# -- compared with scikit-learn's networks --------------------------------------------------------

NEAR_ADAM = {"epsilon": 1e-14}  # PyTorch adds epsilon after the correction of the bias
OPTIONS = [
    {"solver": "sgd", "learning_rate_init": 0.01},
    {"solver": "sgd", "learning_rate_init": 0.05, "batch_size": 50, "alpha": 0.5},
    {"solver": "sgd", "shuffle": False, "nesterovs_momentum": False, "activation": "identity"},
    {"solver": "sgd", "momentum": 0, "activation": "tanh", "hidden_layer_sizes": (8, 5)},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "power_t": 0.3},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.2, "tol": 1e-2,
     "n_iter_no_change": 3, "max_iter": 100},
    {"solver": "sgd", "learning_rate_init": 0.1, "early_stopping": True, "n_iter_no_change": 2},
    {**NEAR_ADAM, "activation": "logistic", "hidden_layer_sizes": 7},
    {**NEAR_ADAM, "hidden_layer_sizes": (), "beta_1": 0.5, "beta_2": 0.9, "batch_size": 64},
    {**NEAR_ADAM, "tol": 0.1, "n_iter_no_change": 1},
]  # fmt: skip


def both(name, options, data, **fitted):
    options = {"random_state": 3, "max_iter": 30, **options}
    return [
        getattr(package, name)(**options).fit(*data, **fitted) for package in (neural_network, ours)
    ]


def assert_same(theirs, mine, x, rtol=1e-7):
    answer = "predict_proba" if hasattr(mine, "predict_proba") else "predict"
    expected, got = (getattr(e, answer)(x) for e in (theirs, mine))
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-9)
    np.testing.assert_array_equal(theirs.predict(x).shape, mine.predict(x).shape)
    for a, b in zip(
        theirs.coefs_ + theirs.intercepts_, mine.coefs_ + mine.intercepts_, strict=True
    ):
        np.testing.assert_allclose(b, a, rtol=rtol, atol=1e-9)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(mine, name) == getattr(theirs, name), name


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    ("name", "data"),
    [("MLPClassifier", WINE), ("MLPClassifier", TWO), ("MLPRegressor", DIABETES)],
    ids=["three", "two", "number"],
)
def test_trains_as_scikit_learn_does(name, data, options):
    theirs, mine = both(name, options, data)
    assert_same(theirs, mine, data[0])
    for record in ("loss_curve_", "loss_", "best_loss_", "validation_scores_"):
        expected = getattr(theirs, record)
        assert (getattr(mine, record) is None) == (expected is None)
        if expected is not None:
            np.testing.assert_allclose(getattr(mine, record), expected, rtol=1e-7)
    assert mine.score(*data) == pytest.approx(theirs.score(*data))
    assert (mine.predict(data[0]) == theirs.predict(data[0])).all() or name == "MLPRegressor"


@pytest.mark.parametrize(
    ("name", "data"), [("MLPClassifier", SEVERAL), ("MLPRegressor", MANY_NUMBERS)]
)
def test_several_outputs(name, data):
    assert_same(*both(name, {"solver": "sgd", "max_iter": 5}, data), data[0])
    mine = getattr(ours, name)(solver="lbfgs", max_iter=100, random_state=3).fit(*data)
    assert mine.score(*data) > 0.6
    assert mine.predict(data[0]).shape == data[1].shape


def test_sample_weights_are_repetitions():
    x, y = WINE
    times = np.arange(len(x)) % 3
    options = {"random_state": 0, "batch_size": 1000, "solver": "adam", "max_iter": 20}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "batch_size=1000 is cut")
        for estimator in (ours.MLPClassifier(**options), ours.MLPRegressor(**options)):
            weighted = clone(estimator).fit(x, y, times).predict(x[times == 0])
            repeated = clone(estimator).fit(np.repeat(x, times, 0), np.repeat(y, times))
            np.testing.assert_allclose(repeated.predict(x[times == 0]), weighted, rtol=1e-6)
    for bad in (np.zeros(len(x)), -times, times[1:]):
        with pytest.raises(ValueError, match=r"sample_weight|[Ss]ample weights"):
            ours.MLPClassifier().fit(x, y, bad)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(("name", "data"), [("MLPClassifier", TWO), ("MLPRegressor", DIABETES)])
def test_sample_weights_as_in_scikit_learn(name, data, early):
    weight = np.random.default_rng(0).uniform(0.1, 2, len(data[0]))
    options = {"solver": "sgd", "batch_size": 40, "early_stopping": early}
    try:
        theirs, mine = both(name, options, data, sample_weight=weight)
    except TypeError:
        pytest.skip("this scikit-learn's networks take no sample_weight")
    assert_same(theirs, mine, data[0])
    if early:
        np.testing.assert_allclose(mine.validation_scores_, theirs.validation_scores_)


def test_a_weight_of_0_is_an_absence():
    x, y = WINE
    model = ours.MLPClassifier((5,), batch_size=3, max_iter=3, random_state=0, alpha=1.0)
    weighted = clone(model).fit(x, y, np.arange(len(x)) % 4 == 0).predict_proba(x)
    np.testing.assert_allclose(clone(model).fit(x[::4], y[::4]).predict_proba(x), weighted)


def test_going_on_as_scikit_learn_does():
    x, y = WINE
    labels = np.unique(y)
    for warm in (False, True):
        pair = [p.MLPClassifier(solver="sgd", random_state=1, max_iter=3, warm_start=warm)
                for p in (neural_network, ours)]  # fmt: skip
        for estimator in pair:
            if warm:
                estimator.fit(x, y).fit(x, y)
            else:
                for part in (slice(0, 60), slice(60, None), slice(None)):
                    estimator.partial_fit(x[part], y[part], classes=labels)
        assert_same(*pair, x)
        np.testing.assert_allclose(pair[0].loss_curve_, pair[1].loss_curve_)


@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")  # an older scikit-learn
def test_by_lbfgs_as_good():
    for name, data, least in [("MLPClassifier", WINE, 0.99), ("MLPRegressor", DIABETES, 0.8)]:
        theirs, mine = both(name, {"solver": "lbfgs", "max_iter": 150, "alpha": 0.1}, data)
        assert mine.score(*data) >= max(least, theirs.score(*data) - 0.03)
        assert 1 <= mine.n_iter_ <= 150
        assert mine.loss_ == pytest.approx(theirs.loss_, rel=0.3)


@pytest.mark.parametrize("solver", ["adamw", "rmsprop", "adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_every_solver_learns(solver, activation):
    options = {"solver": solver, "activation": activation, "random_state": 0}
    model = ours.MLPClassifier((20,), learning_rate_init=0.02, max_iter=60, **options)
    assert model.fit(WINE[0][::2], WINE[1][::2]).score(WINE[0][1::2], WINE[1][1::2]) > 0.93
    if solver != "sgd":
        strong = clone(model).set_params(alpha=30.0).fit(*WINE)
        assert np.square(strong.coefs_[0]).sum() < 0.5 * np.square(model.coefs_[0]).sum()
