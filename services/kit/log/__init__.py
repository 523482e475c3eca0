"""The event log: one port (`eventlog`), two adapters (`memory`, `postgres`), one conformance suite."""
