"""Statistics of samples and series of numbers: tests, intervals and corrections. Nothing here knows of archives."""
