"""Properties that hold for every world, and the strategies that draw the worlds."""
