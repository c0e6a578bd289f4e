"""Games, the engine that plays them, campaigns, averages, optimizers, schedules, processes, devices."""
