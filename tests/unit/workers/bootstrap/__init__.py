"""Tests of how a process starts and ends."""
