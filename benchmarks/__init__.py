"""Speed and memory beside what others use, in one run on one machine."""
