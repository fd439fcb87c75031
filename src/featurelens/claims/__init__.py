"""The paper's claims, judged against the tables of a run."""
