"""Building the image of one room, and starting the room in it. Standard library only."""
