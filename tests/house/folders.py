"""What the operator of the house has written: one policy per server, and the agents."""

POLICIES = {
    "numbers": """
tools:
  add_numbers: { roles: [analyst, contractor], rate: 1000/minute, rates: { contractor: 2/minute } }
  note_number: { roles: [analyst], kind: write, redact: [$.note] }
  wait_long: { roles: [analyst], timeout: 1s }
prompts:
  sum_up: { roles: [analyst] }
resources:
  "numbers://*": { roles: [analyst, sales] }
""",
    "letters": """
tools:
  count_letters: { roles: [analyst, sales] }
prompts: {}
resources:
  "letters://*": { roles: [analyst], rate: 5/minute }
""",
}
AGENTS = """
agents:
  mcp-dev-cli: { may: [read, write], tools: ["*"] }
"""
