"""What others recorded (commit messages, transcripts), turned into intents that the ledger can hold."""
