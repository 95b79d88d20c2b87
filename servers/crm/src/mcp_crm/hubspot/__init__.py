"""The CRM as HubSpot's API has it: all that another CRM replaces. `adapter` implements the port."""
