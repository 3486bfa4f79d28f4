"""Judge servers and clients of the Videos API by its contract.

The command is `openvideos-conformance`. The suite also runs with pytest: `pytest --pyargs openvideos_conformance`.
"""
