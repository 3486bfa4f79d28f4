"""Hold what the judges of servers and of clients share: contract, catalogue, exchanges, verdicts, target. Pure.

May import nothing else of this package.
"""
