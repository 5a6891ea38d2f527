"""Tell agents to report to us: our entries in their settings files, and how that stands."""
