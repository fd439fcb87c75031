"""scVI, trained with scvi-tools or read from a saved model."""
