"""The project's values, and the rules that need nothing but values."""
