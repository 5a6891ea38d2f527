"""Ask a model one question and return its answer; record the answer; keep the cost within a budget."""
