"""Who somebody is: towards the gateway, and from it towards a server.

authenticate  a bearer token becomes a `Principal`
exchange      that token ends here; a server gets one made for it alone (RFC 8693)
"""
