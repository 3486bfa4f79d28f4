"""Read the command line, run a judge, show its progress, and write its reports. May import every other folder."""
