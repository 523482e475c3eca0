"""The services of Zhurnal, their shared runtime (`kit`) and the composition root (`system`)."""
