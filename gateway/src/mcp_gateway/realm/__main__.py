"""`python -m mcp_gateway.realm render`: the realm file of a deployment."""

from mcp_gateway.realm.keycloak import main

if __name__ == "__main__":
    main()
