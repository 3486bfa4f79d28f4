"""Read contracts: what is wrong with one, in a sentence with its place, and what an older one means. Pure."""
