"""The engine's rules: what the fields of a response really mean, as data and small functions."""
