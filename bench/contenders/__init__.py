"""What is measured: each module makes calls in its own way, in a process of its own."""
