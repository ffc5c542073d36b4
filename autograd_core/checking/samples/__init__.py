"""Samples for a gradient check: variants of the user's, and arrays drawn from a signature."""
