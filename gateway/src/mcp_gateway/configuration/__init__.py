"""What the operator decides, checked before anything starts.

plain_yaml  YAML without its surprises
settings    gateway.yaml and the environment
addresses   what follows from them
production  what the production profile refuses to start with
"""
