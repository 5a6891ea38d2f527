"""Rebuild a history by asking for its recorded intents again, step by step."""
