"""Layers: modules with parameters or state."""
