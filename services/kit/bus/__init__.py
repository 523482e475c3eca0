"""The bus: one port (`bus`) and its in-process adapter (`memory`)."""
