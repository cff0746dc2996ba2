"""What consumers rely on: real clients and message handlers, tried against Pact and written as pacts."""
