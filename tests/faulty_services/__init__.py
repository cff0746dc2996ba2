"""Reference services with exactly one thing wrong each, and the check that must find it."""
