"""Training: from one config file to a potential, its errors and a report."""
