"""The style sheet and the script of the page that :mod:`autograd_core.drawing.html` writes."""
