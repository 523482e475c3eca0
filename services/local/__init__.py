"""The real engines on one machine, for development and tests: Kafka, Envoy, and the whole distributed system."""
