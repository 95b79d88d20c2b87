"""What runs in a task before the program itself, handed to `python -c`."""
