"""Compare two contracts: what a change is, whom it breaks, and what it leaves to decide."""
