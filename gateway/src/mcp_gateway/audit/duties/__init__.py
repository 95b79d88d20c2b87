"""What people who answer for the record do with it: open, erase, retire, settle, restore."""
