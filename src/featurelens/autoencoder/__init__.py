"""Autoencoders on simulations: what they are, how they are trained and searched for."""
