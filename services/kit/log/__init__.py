"""The event log: one port (`eventlog`), three adapters (`memory`, `postgres`, `kurrent`), one conformance suite."""
