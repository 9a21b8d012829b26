"""Tests of the files that others deploy with."""
