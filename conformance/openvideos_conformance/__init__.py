"""Judge servers, and clients, of the Videos API by its contract.

The command is `openvideos-conformance`; the suite underneath is pytest's: `pytest --pyargs openvideos_conformance`.
"""
