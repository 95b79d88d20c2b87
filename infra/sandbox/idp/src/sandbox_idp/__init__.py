"""A development issuer that reads Keycloak's realm file and answers at Keycloak's URLs."""
