"""Several gateways behind a balancer, and one of them lost: what callers get, what is on record."""
