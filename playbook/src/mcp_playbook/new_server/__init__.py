"""make new-server: a server of your own, from the template in `playbook/template`."""
