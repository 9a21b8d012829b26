"""What other services install to talk to accounts."""
