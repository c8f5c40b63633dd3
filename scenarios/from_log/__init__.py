"""Fits a centre to one month of a real log and predicts another month."""
