"""Tests of the workers, over stores in memory."""
