"""Tests of the identity worker."""
