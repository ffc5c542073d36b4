"""Functions of functions: ``grad``, ``vjp``, ``jacobian``, ``checkpoint``, and trees of arrays."""
