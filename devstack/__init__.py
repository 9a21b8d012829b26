"""The local Kafka, MongoDB and Redis-protocol server that `accounts dev` and the tests run on."""
