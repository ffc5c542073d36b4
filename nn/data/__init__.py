"""Datasets and mini-batches."""
