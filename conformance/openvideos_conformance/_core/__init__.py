"""Hold what both judges share: contract, catalogue, exchanges, verdicts, target. Pure.

May import nothing else of this package.
"""
