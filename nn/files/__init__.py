"""Weights on disk: safetensors and npz."""
