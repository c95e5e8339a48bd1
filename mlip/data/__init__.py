"""Data: reading labelled structures, checking them, splitting them, serving them to training."""
