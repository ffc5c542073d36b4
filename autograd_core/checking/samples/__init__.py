"""Samples that the checker makes from a given one: layouts, values, shapes, precisions."""
