"""The production code in virtual time, against servers in memory that can fail in every way."""
