"""The recorded graph as operations, groups and words."""
