"""Tests of how records are read."""
