"""The engine: primitives, the graph that calls of them record, and the sweep back through it."""
