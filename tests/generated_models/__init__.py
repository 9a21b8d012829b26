"""Models that a generator makes from the contract compile, and read and write what was ever said."""
