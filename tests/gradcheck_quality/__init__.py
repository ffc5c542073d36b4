"""A corpus for measuring gradient checkers: planted bugs, awkward correct functions, peers."""
