"""Hold what the judges of servers and of clients share: contract, catalogue, exchanges, verdicts, target.

May import nothing else of this package.
"""
