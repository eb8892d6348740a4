"""Between agent and provider: forwards, records, prices, limits, replays."""
