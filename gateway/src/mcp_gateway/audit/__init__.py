"""The record of every call: durable before the answer, verifiable with a public key alone."""
