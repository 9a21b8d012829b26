"""What one batch of records goes through, whatever they are: understood, answered, published, committed."""
