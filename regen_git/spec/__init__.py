"""Fold intents into the living spec, and read it back as requirements."""
