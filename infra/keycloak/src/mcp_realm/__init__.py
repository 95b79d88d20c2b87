"""The realm at a running Keycloak, and Keycloak for this machine."""
