"""Tests of the ledger worker."""
