"""Steps that make simulations and count what they are made of: a file each."""
