"""How a column is read: text as dates, numbers and booleans, and what is removed from it before."""
