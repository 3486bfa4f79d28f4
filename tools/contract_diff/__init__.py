"""Compare two contracts: find the changes, whom they break, and what they leave to decide."""
