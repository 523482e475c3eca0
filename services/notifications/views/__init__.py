"""The views of notifications, one file per view."""
