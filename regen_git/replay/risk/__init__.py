"""Say what a regeneration could lose, before anything is spent and without a model."""
