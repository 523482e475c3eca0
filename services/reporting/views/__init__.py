"""The views of reporting, one file per view."""
