"""What every worker that answers requests shares: reading, parsing, answering in batches."""
