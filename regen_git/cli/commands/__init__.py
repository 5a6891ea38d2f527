"""One file a command; each has ``command``, loaded only when its name is typed."""
