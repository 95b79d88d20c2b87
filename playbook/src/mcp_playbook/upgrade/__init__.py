"""Taking another version of the kit: checked before, merged aside, verified after."""
