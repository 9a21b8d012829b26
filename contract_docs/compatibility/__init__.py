"""Compares two versions of the contract: whether the newer one breaks who sends, or who reads."""
