"""Kills: services, relays, consumers, brokers die at any moment; nothing is lost, doubled or turned round."""
