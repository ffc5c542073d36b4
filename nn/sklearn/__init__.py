"""Estimators for scikit-learn: ``MLPClassifier`` and ``MLPRegressor``, networks of nn.

They take the parameters of scikit-learn's own estimators of these names and work in pipelines, grid
search, cross-validation, ``clone`` and joblib.  With the same parameters and ``random_state`` they
train to the same network.  With this package a reader can

* replace an import:    ``from nn.sklearn import MLPClassifier``
* take the network:     ``nn.save("weights.safetensors", classifier.module_)``
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as _error:
    raise ImportError(
        "nn.sklearn needs scikit-learn, which is not installed: pip install scikit-learn"
    ) from _error

from nn.sklearn.estimators import MLPClassifier as MLPClassifier
from nn.sklearn.estimators import MLPRegressor as MLPRegressor
