"""Decide whether a rebuilt tree is acceptable, and say what that rests on."""
