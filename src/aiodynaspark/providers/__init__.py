"""The providers: one file, one provider; the registry finds them by their file names."""
