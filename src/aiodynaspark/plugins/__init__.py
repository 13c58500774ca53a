"""Other programs' shapes: each module here is loaded by its host, or together with it."""
