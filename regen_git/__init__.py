"""Keep the prompts beside the commits they made, and rebuild the code from them, verified."""

__version__ = "0.1.0"
