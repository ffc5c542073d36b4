"""Pictures of a recorded graph: ``ag.draw``."""

from autograd_core.drawing.picture import Picture as Picture
from autograd_core.drawing.picture import draw as draw
