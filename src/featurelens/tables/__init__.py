"""Tables of a run, a file each: its caption, what it is made from, and how."""
