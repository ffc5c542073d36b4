"""Tensor: the handle that users hold, its operators and methods, and NumPy's two protocols."""
