"""The Legendre memory unit as the formulas stand: one sequence, one step, one number at a time.

Source: Voelker, Kajic and Eliasmith (2019), NeurIPS, equations 5 to 7; biases as in KerasLMU.
"""

import numpy as np
from scipy.signal import cont2discrete


def memory_matrices(order, theta, method="zoh"):
    """Ad [q, q] and Bd [q], entry by entry from A and B, then by SciPy."""
    A, B = np.empty((order, order)), np.empty((order, 1))
    for i in range(order):
        B[i] = (2 * i + 1) * (-1) ** i
        for j in range(order):
            A[i, j] = (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1))
    system = (A / theta, B / theta, np.eye(order), np.zeros((order, 1)))
    Ad, Bd, *_ = cont2discrete(system, 1.0, method=method)
    return Ad, Bd[:, 0]


def lmu_loop(x, weights, theta, activation=np.tanh, hidden=None, memory=None, method="zoh"):
    """Hidden states [T, H] and memory [d, q] of x [T, I]; a weight that is not given is zero."""
    W_m = weights["W_m"]
    n_hidden, d, order = W_m.shape
    Ad, Bd = memory_matrices(order, theta, method)
    h = np.zeros(n_hidden) if hidden is None else hidden.copy()
    m = np.zeros((d, order)) if memory is None else memory.copy()
    found = []
    for x_t in x:
        u = np.zeros(d)
        for c in range(d):
            u[c] = weights.get("b_u", np.zeros(d))[c]
            u[c] += sum(weights["e_x"][c, i] * x_t[i] for i in range(len(x_t)))
            if "e_h" in weights:
                u[c] += sum(weights["e_h"][c, j] * h[j] for j in range(n_hidden))
            if "e_m" in weights:
                u[c] += (weights["e_m"][c] * m).sum()
        m = np.stack([Ad @ m[c] + Bd * u[c] for c in range(d)])
        new = np.zeros(n_hidden)
        for j in range(n_hidden):
            new[j] = weights.get("b_h", np.zeros(n_hidden))[j] + (W_m[j] * m).sum()
            if "W_x" in weights:
                new[j] += weights["W_x"][j] @ x_t
            if "W_h" in weights:
                new[j] += weights["W_h"][j] @ h
        h = activation(new)
        found.append(h)
    return np.array(found).reshape(-1, n_hidden), m
