"""Compare two schemas: normalise each to the branches of the values that it allows, and compare those. Pure."""
