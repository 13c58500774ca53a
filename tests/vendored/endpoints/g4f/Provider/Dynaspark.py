from aiodynaspark.plugins.g4f import dynaspark_for

Dynaspark = dynaspark_for(__package__)
