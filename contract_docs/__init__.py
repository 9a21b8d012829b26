"""The contract as an AsyncAPI 3.0 document and a page, both generated from `contracts`."""
