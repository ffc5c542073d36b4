"""Colours of a picture and what they measure."""
