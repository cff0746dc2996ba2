"""Exercising a target by its address: calls, provider states, actors, requests that should succeed."""
