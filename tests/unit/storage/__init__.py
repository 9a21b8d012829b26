"""Tests of documents and what is read of them."""
