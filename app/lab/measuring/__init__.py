"""Measure one sample: the plan's samples, the timed request, CPU, memory and energy meanwhile, and the machine."""
