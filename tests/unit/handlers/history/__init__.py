"""Tests of what is read and computed of recorded entries."""
