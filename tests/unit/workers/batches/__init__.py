"""Tests of what any batch of records goes through."""
