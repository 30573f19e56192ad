"""What a run says and remembers: report, verdict, next steps and the ledger."""
