"""Word lists that cleaning reads: lenders, topics, and what OpenCC's dictionaries lack."""
