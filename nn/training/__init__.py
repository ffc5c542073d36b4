"""Training: fit, evaluation, callbacks, checkpoints and loggers."""

from nn._public import define_all as _define_all
from nn.training.callbacks import Draw as Draw
from nn.training.callbacks import EarlyStopping as EarlyStopping
from nn.training.callbacks import ExponentialAverage as ExponentialAverage
from nn.training.callbacks import ReduceLROnPlateau as ReduceLROnPlateau
from nn.training.checkpoints import Checkpoint as Checkpoint
from nn.training.checkpoints import resume as resume
from nn.training.evaluation import accuracy as accuracy
from nn.training.evaluation import evaluate as evaluate
from nn.training.evaluation import r2_score as r2_score
from nn.training.loggers import JSONLines as JSONLines
from nn.training.loggers import TensorBoard as TensorBoard
from nn.training.loop import History as History
from nn.training.loop import TrainingState as TrainingState
from nn.training.loop import check_optimizer as check_optimizer
from nn.training.loop import fit as fit

Run = TrainingState  # its name in version 0.1

_define_all(globals(), ["Run", "TrainingState", "check_optimizer"])
