"""Tests of the benchmarks: their arithmetic, not their figures."""
