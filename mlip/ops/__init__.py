"""Mathematics on atoms and edges, in plain torch: sums, cutoffs, radial bases, harmonics."""
