"""Benchmarks: ratios against hand-written NumPy and PyTorch, interleaved in one process."""
