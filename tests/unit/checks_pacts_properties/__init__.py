"""Pacts and properties, tried on a small lending desk that knows nothing of Connexion."""
