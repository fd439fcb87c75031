"""Steps that test genes of chosen features: a file each."""
