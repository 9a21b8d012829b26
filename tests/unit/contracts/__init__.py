"""Tests of the messages, fields and codes."""
