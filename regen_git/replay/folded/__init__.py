"""Generate the living spec as a whole: the interfaces first, then each module where what it needs is done."""
