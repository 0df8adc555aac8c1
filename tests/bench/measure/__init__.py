"""What tests/bench/run measures."""
