"""The embedded model: its weights, the engine that runs them, and what a picture shows."""
