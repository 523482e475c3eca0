"""The events of each log, one module per log; `EVENTS` of a module is the codec of its log."""
