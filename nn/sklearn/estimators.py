"""MLPClassifier and MLPRegressor: targets, losses and answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

import nn
from nn.sklearn.base import Estimator
from nn.sklearn.steps import Array


class MLPClassifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A feedforward network that tells classes apart, trained on their cross-entropy.

    Two classes share one output; ``y`` of zeros and ones ``(N, C)`` asks for any number of
    labels at once.

    Parameters
    ----------
    hidden_layer_sizes
        The neurons of each hidden layer; ``()`` for a linear model.
    activation
        "identity", "logistic", "tanh", "relu", or another name of :mod:`nn.activations`.
    solver
        "adam", "sgd", "adamw", "rmsprop" by mini-batches, or "lbfgs" by all examples at once.
    alpha
        The penalty is ``alpha / 2`` times the squared weights, divided by the examples of the
        batch; with "adamw" its decoupled decay.
    batch_size
        "auto" is 200, or all examples if there are fewer.
    learning_rate, power_t
        With "sgd": "constant", "invscaling" (divided by ``t_ ** power_t``), or "adaptive" (a
        fifth whenever training would stop).
    learning_rate_init
        The step size.
    max_iter, max_fun
        Epochs; with "lbfgs" directions, and evaluations of the loss.
    shuffle
        Whether each epoch has an order of its own.
    random_state
        A seed or a RandomState: initial values, held-out examples, orders.
    tol, n_iter_no_change
        Training stops after more than so many epochs without a gain of ``tol``; "lbfgs" once no
        slope is steeper.
    verbose
        A line an epoch.
    warm_start
        Whether ``fit`` goes on from the weights of the last one.
    momentum, nesterovs_momentum
        Of "sgd".
    early_stopping, validation_fraction
        Whether to hold out a share, stop by the score on it, and take the best weights.
    beta_1, beta_2, epsilon
        Of "adam" and "adamw"; epsilon of "rmsprop" too.

    Attributes
    ----------
    module_ : nn.Sequential
        The network; its outputs are logits.  ``nn.save("weights.safetensors", module_)``.
    classes_ : ndarray
        The labels, in the order of the columns of ``predict_proba``.
    loss_, best_loss_, loss_curve_
        The loss of the last epoch, the lowest one, all.
    validation_scores_, best_validation_score_
        With ``early_stopping``.
    coefs_, intercepts_ : list of ndarray
        Weights ``(fan_in, fan_out)`` and biases, as in scikit-learn.
    n_iter_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from nn.sklearn import MLPClassifier
    >>> x, y = load_wine(return_X_y=True)
    >>> network = MLPClassifier((16,), solver="lbfgs", random_state=0)
    >>> model = make_pipeline(StandardScaler(), network).fit(x[::2], y[::2])
    >>> bool(model.score(x[1::2], y[1::2]) > 0.9)
    True
    >>> network.module_
    Sequential(
      (0): Linear(13, 16)
      (1): ReLU()
      (2): Linear(16, 3)
    )
    """

    classes_: Array

    @available_if(lambda self: self.solver != "lbfgs")  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Train for one epoch more, with the optimizer of the epochs before.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes
            Every label that will ever come; needed the first time.
        """
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit")
            several = type_of_target(y).startswith("multilabel")
            self._know(y if several else unique_labels(classes))
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(f"classes={classes!r} are not those of before, {self.classes_}")
        return super().partial_fit(X, y, sample_weight)

    def _know(self, y: Any) -> None:
        self._binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._binarizer.classes_
        several = self._binarizer.y_type_ == "multiclass"
        self.out_activation_ = "softmax" if several else "logistic"

    def _targets(self, y: Array, anew: bool) -> Array:
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if anew:
            self._know(y)
        elif len(strange := np.setdiff1d(unique_labels(y), self.classes_)):
            raise ValueError(
                f"y holds the classes {strange}, which are not among those of before, "
                f"{self.classes_}; fit with warm_start=False to begin anew"
            )
        return np.asarray(self._binarizer.transform(y))

    def _losses(self, prediction: Any, y: Array) -> Any:
        if self.out_activation_ == "softmax":
            return nn.cross_entropy(prediction, y, reduction="none")
        return nn.binary_cross_entropy_with_logits(prediction, y, "none").sum(-1)

    def _validation_score(self, x: Any, y: Array, weight: Array | None) -> float:
        logits = self._outputs(x)
        if self.out_activation_ == "softmax":
            right = logits.argmax(1) == y.argmax(1)
        else:
            right = ((logits > 0) == y).all(1)
        return float(np.average(right, weights=weight))

    def predict(self, X: Any) -> Array:
        """The likeliest label of each example ``(N,)``; zeros and ones ``(N, C)`` of several."""
        logits = self._answers(X)
        return np.asarray(self._binarizer.inverse_transform(logits, threshold=0))

    def predict_proba(self, X: Any) -> Array:
        """The probability ``(N, C)`` of each label, in the order of ``classes_``."""
        logits = self._answers(X)
        if self._binarizer.y_type_.startswith("multilabel"):
            return np.asarray(nn.sigmoid(logits))
        if len(self.classes_) == 2:
            logits = np.hstack([np.zeros_like(logits), logits])
        return np.asarray(nn.softmax(logits))

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of :meth:`predict_proba`; minus infinity where that is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def _more_tags(self) -> dict[str, Any]:  # before scikit-learn 1.6
        return {"multilabel": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(MultiOutputMixin, RegressorMixin, Estimator):  # type: ignore[misc]
    """A feedforward network that predicts numbers, trained on half of their squared error.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, ...
        Those of :class:`MLPClassifier`.

    Attributes
    ----------
    module_, loss_curve_, ...
        Those of :class:`MLPClassifier`, but for the labels.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.sklearn import MLPRegressor
    >>> x = np.linspace(-3, 3, 200)[:, None]
    >>> model = MLPRegressor((20,), "tanh", solver="lbfgs", max_iter=500, random_state=0)
    >>> bool(model.fit(x, np.sin(x[:, 0])).score(x, np.sin(x[:, 0])) > 0.99)
    True
    """

    def _targets(self, y: Array, anew: bool) -> Array:
        self.out_activation_ = "identity"
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return y[:, None] if y.ndim == 1 else y

    def _losses(self, prediction: Any, y: Array) -> Any:
        return nn.mse_loss(prediction, y, "none").sum(-1) * 0.5

    def _validation_score(self, x: Any, y: Array, weight: Array | None) -> float:
        return float(r2_score(y, self._outputs(x), sample_weight=weight))

    def predict(self, X: Any) -> Array:
        """The predicted numbers, ``(N,)`` or ``(N, outputs)``."""
        outputs = self._answers(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
