"""Plots of networks and their training, by matplotlib: ``nn.plot.history(history)``.

Each takes ``ax=None``, draws on the given axes or on those of a new figure, and returns the axes.
matplotlib is optional and imported by the first call.

=====================  ==========================================================
history                losses by epoch, the best one ringed
update_ratio           size of each step relative to the weights; see ``Updates``
activations            a ridge a layer, with the share saturated or dead
gradients              a ridge a parameter, with the share exactly zero
weights                an image a neuron
confusion_matrix       what was taken for what
mistakes               the most confident ones
decision_boundary      of a classifier of points in the plane
gradcheck              error of central differences against the step
=====================  ==========================================================
"""

from nn.plot import axes as axes
from nn.plot.boundary import decision_boundary as decision_boundary
from nn.plot.curves import Updates as Updates
from nn.plot.curves import gradcheck as gradcheck
from nn.plot.curves import history as history
from nn.plot.curves import update_ratio as update_ratio
from nn.plot.images import confusion_matrix as confusion_matrix
from nn.plot.images import mistakes as mistakes
from nn.plot.images import weights as weights
from nn.plot.layers import activations as activations
from nn.plot.layers import gradients as gradients
