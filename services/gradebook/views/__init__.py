"""The views of the grade book, each one file: its tables, its changes, its queries."""
