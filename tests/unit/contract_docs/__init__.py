"""Tests of the contract as it is published."""
