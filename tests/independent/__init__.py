"""The independent biller: the billing rules a second time, in plain Python, to hold the pipeline against."""

from tests.independent.biller import Tables, bill_month

__all__ = ["Tables", "bill_month"]
