"""An embedding that exists already."""
