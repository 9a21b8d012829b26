"""Tests of the hashing of passwords."""
