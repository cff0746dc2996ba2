"""A proxy before a real service: what passes is held to the contract in both directions."""
