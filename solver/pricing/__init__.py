"""What an agent's time is worth to the contacts still to come: two prices, from sampled demand."""
