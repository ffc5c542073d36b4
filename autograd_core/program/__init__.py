"""Programs: a function traced once, as a list of NumPy calls that runs without the framework."""
