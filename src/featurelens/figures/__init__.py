"""The paper's figures, each drawn by one function from tables and AnnData alone."""
