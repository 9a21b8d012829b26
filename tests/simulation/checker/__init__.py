"""Holds what is published and stored at the end against what was sent; knows the contracts, not the decisions."""
