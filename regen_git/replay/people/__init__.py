"""What people wrote: found, carried onto code that is written anew, and accounted for."""
