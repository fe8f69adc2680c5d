"""By which the controller knows the cluster: a mirror of the objects that matter, kept up to date by watches."""
