"""A machine that has nothing but Python and make: `make fresh`, which takes minutes and the network."""
