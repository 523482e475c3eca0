"""What schedule answers from: one file per view."""
