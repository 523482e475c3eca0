"""The command line `zhurnal`, one module per group of commands."""
