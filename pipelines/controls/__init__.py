"""The controls: SQL that measures, in another way than the transforms, what must be beside what is."""
