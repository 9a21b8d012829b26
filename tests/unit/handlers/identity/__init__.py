"""Tests of the decisions about sessions and guesses."""
