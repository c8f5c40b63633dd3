"""Studies: what if? Many simulated days, with and without a change, compared in a report."""
