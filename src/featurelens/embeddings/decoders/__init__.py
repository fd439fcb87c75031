"""From an embedding back to expression: each kind of decoder, without its model's package."""
