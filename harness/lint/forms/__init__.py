"""What a format's objects may hold, as tables, and the faults of a document against them.

``grammar`` is the language of the tables, ``holding`` holds a document to them. The tables are written from
the specifications' texts; where the format's own published schemas decide otherwise, they do here too.
"""
