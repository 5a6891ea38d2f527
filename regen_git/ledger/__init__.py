"""All records of a history, stored as notes and trailers."""
