"""The loopback sites that `yuqi demo` crawls, with the truth about every page of them."""
