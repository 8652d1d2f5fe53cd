"""What callbill costs: seconds, records a second and memory, beside what the engine below needs at the least.

Here belongs measuring. Whether the results are right is the business of the tests.
"""
