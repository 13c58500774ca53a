"""A program of the shape that carries a copy of g4f as of March 2025, written for the test."""
