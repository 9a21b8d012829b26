"""The promises and rules of the service, as sentences that can fail."""
