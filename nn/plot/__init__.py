"""Plots of networks and their training with matplotlib: ``nn.plot.history(history)``.

Each function takes ``ax=None``, draws on the given axes or on those of a new figure, and returns
the axes.  matplotlib is optional and imported by the first call.

=====================  ==========================================================
history                losses by epoch, a ring around the best one
update_ratio           size of each step relative to the weights; see ``Updates``
activations            histogram of each layer, with the share saturated or dead
gradients              histogram of each parameter, with the share exactly zero
weights                one image for each neuron
confusion_matrix       how often each class was predicted for each
mistakes               the most confident ones
decision_boundary      of a classifier of points in the plane
gradcheck              error of central differences against the step
=====================  ==========================================================
"""

from nn.plot import axes as axes
from nn.plot.curves import Updates as Updates
from nn.plot.curves import gradcheck as gradcheck
from nn.plot.curves import history as history
from nn.plot.curves import update_ratio as update_ratio
from nn.plot.images import confusion_matrix as confusion_matrix
from nn.plot.images import decision_boundary as decision_boundary
from nn.plot.images import mistakes as mistakes
from nn.plot.images import weights as weights
from nn.plot.layers import activations as activations
from nn.plot.layers import gradients as gradients
