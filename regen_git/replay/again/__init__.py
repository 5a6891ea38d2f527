"""What a step rests on, and what an earlier replay came to: so that only what changed is asked again."""
