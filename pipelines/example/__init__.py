"""The example that ships with callbill: a tariff and a month of traffic, all of it invented.

What belongs here: making data. Nothing of the product depends on it but `callbill demo`.
"""
