"""An example of a REST gateway: what another team builds with the contract and the client alone."""
