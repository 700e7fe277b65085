"""Any network trained by minibatches: the loop, its checkpoints, optimizers that perturb."""
