"""Tests of the decisions about money and accounts."""
