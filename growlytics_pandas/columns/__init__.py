"""How columns are read: cleaning, and parsing of text as dates, numbers and booleans."""
