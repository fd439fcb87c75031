"""Jobs of a run on one machine begin in copies of a process that has loaded the libraries."""
