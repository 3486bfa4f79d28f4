"""What `nox -s bench` measures: the SDK beside its peers, the emulator, and the project's own commands.

`run.py` is the command line; `rows.py` lists what is measured, `bars.py` what each row should reach.
"""
