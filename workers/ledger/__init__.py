"""The ledger worker: commands in, money moved once, results and events out."""
