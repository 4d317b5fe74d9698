"""Push a DataFrame of customers to Growlytics."""

__version__ = "0.1.0"
