"""Hold what the judges share: contract, catalogue, exchanges, verdicts. Imports no other folder."""
