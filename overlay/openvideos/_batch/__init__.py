"""Make a video of each row of a file, whatever breaks meanwhile, and pay for none twice."""
