"""What the issuer is told: endpoints, audiences, roles and clients of the listed servers.

keycloak  the realm, and the command that writes it
clients   a client for each endpoint and backend
cimd      hosts that bring their own description
"""
