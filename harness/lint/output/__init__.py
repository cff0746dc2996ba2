"""What lint found, as people and as machines want it: one file a format, each from a ``Report`` to text."""
