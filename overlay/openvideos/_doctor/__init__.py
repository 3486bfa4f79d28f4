"""What is in force on this machine and where it comes from, and how a server differs from the contract.

May import `surface`, `_drivers` and `requests`.
"""
