"""Tests of the bytes that are published."""
