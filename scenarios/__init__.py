"""What would happen if: generated centres and simulated worlds."""
