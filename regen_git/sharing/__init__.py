"""Keep the ledger whole between clones and rewrites: sync, repair, check."""
