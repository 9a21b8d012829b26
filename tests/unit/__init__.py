"""Tests of the pure core and of single parts, without servers."""
