"""MLPClassifier and MLPRegressor: their targets, losses and predictions."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

import nn
from nn.sklearn.base import Array, BaseMLP


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A feedforward network that classifies examples, trained on the cross-entropy.

    For two classes the network has one output.  If ``y`` holds zeros and ones ``(N, C)``, each
    example may have any number of labels.

    Parameters
    ----------
    hidden_layer_sizes
        The number of neurons of each hidden layer; ``()`` for a linear model.
    activation
        "identity", "logistic", "tanh", "relu", or another name of :mod:`nn.layers.activations`.
    solver
        "adam", "sgd", "adamw" or "rmsprop" with mini-batches, or "lbfgs" with all examples at
        once.
    alpha
        The strength of the penalty: ``alpha / 2`` times the squared weights, divided by the
        number of examples of the batch; with "adamw" the decoupled weight decay.
    batch_size
        The length of a mini-batch; "auto" is 200, or all examples if there are fewer.
    learning_rate, power_t
        The schedule of "sgd": "constant", "invscaling" (divided by ``t_ ** power_t``), or
        "adaptive" (divided by 5 whenever training would stop).
    learning_rate_init
        The initial step size.
    max_iter, max_fun
        The largest number of epochs; with "lbfgs", of search directions, and of evaluations of
        the loss.
    shuffle
        Whether the examples are shuffled in each epoch.
    random_state
        A seed or a RandomState for initial values, held-out examples and the order of examples.
    tol, n_iter_no_change
        Training stops after more than ``n_iter_no_change`` epochs without an improvement of
        ``tol``; "lbfgs" stops once no element of the gradient is larger than ``tol``.
    verbose
        Whether to print a line for each epoch.
    warm_start
        Whether ``fit`` continues from the weights of the previous fit.
    momentum, nesterovs_momentum
        The momentum of "sgd", and whether it is Nesterov's.
    early_stopping, validation_fraction
        Whether to hold out examples, stop by the score on them, and keep the best weights; and
        the share of examples that is held out.
    beta_1, beta_2, epsilon
        Options of "adam" and "adamw"; ``epsilon`` of "rmsprop" too.

    Attributes
    ----------
    module_ : nn.Sequential
        The network; its outputs are logits.  ``nn.save("weights.safetensors", module_)``.
    classes_ : ndarray
        The labels, in the order of the columns of ``predict_proba``.
    loss_, best_loss_, loss_curve_
        The loss of the last epoch, the lowest loss, and the losses of all epochs.
    validation_scores_, best_validation_score_
        The scores on the held-out examples, and the best; None without ``early_stopping``.
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

    @available_if(lambda self: self.solver != "lbfgs")  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Train for one more epoch, with the optimizer of the previous ones.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes
            Every label that will ever occur; required in the first call.
        """
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit")
            several = type_of_target(y).startswith("multilabel")
            self._set_classes(y if several else unique_labels(classes))
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"classes={classes!r} are not those of before, {self.classes_}; leave classes out"
            )
        return super().partial_fit(X, y, sample_weight)

    def _set_classes(self, y: Any) -> None:
        self._binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._binarizer.classes_
        several = self._binarizer.y_type_ == "multiclass"
        self.out_activation_ = "softmax" if several else "logistic"

    def _targets(self, y: Array, anew: bool) -> Array:
        check_classification_targets(y)
        if anew:
            self._set_classes(y)
        elif len(strange := np.setdiff1d(unique_labels(y), self.classes_)):
            raise ValueError(
                f"y holds the classes {strange}, which are not among the known ones, "
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
        """Return the most probable label of each example ``(N,)``, or zeros and ones ``(N, C)``."""
        logits = self._checked_outputs(X)
        return np.asarray(self._binarizer.inverse_transform(logits, threshold=0))

    def predict_proba(self, X: Any) -> Array:
        """Return the probability ``(N, C)`` of each label, in the order of ``classes_``."""
        logits = self._checked_outputs(X)
        if self._binarizer.y_type_.startswith("multilabel"):
            return np.asarray(nn.sigmoid(logits))
        if len(self.classes_) == 2:
            logits = np.hstack([np.zeros_like(logits), logits])
        return np.asarray(nn.softmax(logits))

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of :meth:`predict_proba`; minus infinity where that is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def _more_tags(self) -> dict[str, Any]:  # before scikit-learn 1.6
        return {"multilabel": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(MultiOutputMixin, RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A feedforward network that predicts numbers, trained on half of the squared error.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, ...
        As in :class:`MLPClassifier`.

    Attributes
    ----------
    module_, loss_curve_, ...
        As in :class:`MLPClassifier`, except for the labels.

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
        return y[:, None] if y.ndim == 1 else y

    def _losses(self, prediction: Any, y: Array) -> Any:
        return nn.mse_loss(prediction, y, "none").sum(-1) * 0.5

    def _validation_score(self, x: Any, y: Array, weight: Array | None) -> float:
        return float(r2_score(y, self._outputs(x), sample_weight=weight))

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, ``(N,)`` or ``(N, outputs)``."""
        outputs = self._checked_outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
