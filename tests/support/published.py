"""The customer of the example on the vendor's page, with a date in place of the page's placeholder."""

import pandas as pd

ID = "your-system-uniqe-id"
EVENT_NAME = "Purchased"
DATE = "2026-01-31 18:05:09"
STORED = {
    "name": "Customer Name",
    "email": "customer_email@gmail.com",
    "mobile": "9919211112",
    "City": "Mumbai",
    "Total Orders": 1,
    "Is First Time Purchaser": True,
    "Last Order Date": DATE,
}
ROW = {"id": ID} | STORED | {"Last Order Date": pd.Timestamp(DATE)}
RESERVED_TYPES = {"name": "string", "email": "string", "mobile": "string"}
CUSTOM_TYPES = {
    "City": "string",
    "Total Orders": "number",
    "Is First Time Purchaser": "boolean",
    "Last Order Date": "date",
}
