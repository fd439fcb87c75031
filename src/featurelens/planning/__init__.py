"""What a run makes and what its jobs need: plan, sizes, fingerprints. Computes no result."""
