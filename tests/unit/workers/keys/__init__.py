"""Tests of keys and tokens."""
