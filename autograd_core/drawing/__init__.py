"""Pictures of a recorded graph: ``ag.draw``."""

from autograd_core.drawing.api import draw as draw
from autograd_core.drawing.picture import Picture as Picture
