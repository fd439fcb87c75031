"""Controls: what an SAE's annotations are worth, told by sources of features that are not it.

A control is one more source of activations. It has a name beside the SAEs' names, so its features,
expression, enrichment and concepts are made by the same rules and functions as theirs.
"""
