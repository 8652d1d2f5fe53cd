"""The tests of callbill."""
