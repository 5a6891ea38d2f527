"""Read and write the repository: objects, refs, notes, trailers and bytes; never intents."""
