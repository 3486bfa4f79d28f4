"""The checks of the suite, as tests of pytest. Each names the requirement that it is a check of."""
