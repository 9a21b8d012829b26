"""The contract's page in a real Chromium, from an npm package."""
