"""Benchmarks: ours and the alternative side by side in one run, printed as ratios. `make bench` runs them."""
