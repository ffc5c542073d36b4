"""The demonstration programs behind ``python -m nn``."""
