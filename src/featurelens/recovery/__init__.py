"""Known truth against activations: what read-outs, neurons and structures recover."""
