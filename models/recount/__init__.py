"""The model of `docs/model.md` a second time, for the audit; it shares nothing with the first."""
