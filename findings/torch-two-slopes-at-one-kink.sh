#!/usr/bin/env bash
# torch 2.13.0 (CPU, float64) has two slopes for PReLU at 0, and for fmax where both numbers are equal: one in forward
# mode (torch.func.jvp, jacfwd), another in reverse mode (backward, vjp, jacrev). Each is a subgradient, but together
# they belong to no one Jacobian. Seen with Python 3.11.7, slopes at the kink:
#
#                forward  reverse
#   prelu        1.0      0.25
#   fmax         0.0      1.0
#   and the same in both modes: fmin 1.0, relu 0.0, leaky_relu 0.25, elu 0.25, abs 0.0, maximum 0.5, minimum 0.5
#   a network with PReLU on 5 points: J v differs at x = [0.0]
#
# Kinks are met exactly where biases start at zero and a grid has the point 0, or where weights start at zero. There
# the products with J and with its transpose are those of two matrices: a Gauss-Newton product from jvp and vjp is not
# symmetric, which Lanczos and conjugate gradients rely on, the tangent kernel depends on the mode that it was made in,
# and the test u.(J v) = (J^T u).v fails. The documentation has jacfwd and jacrev compute the same Jacobian at another
# cost. leaky_relu of the same slope, and maximum, agree with themselves.
#
# Ends with 0 where it is as described. Needs no network but for the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat >"$work/slopes.py" <<'PY'
import torch
from torch.func import functional_call, jacfwd, jacrev, jvp, vjp
from torch.nn import functional

torch.set_default_dtype(torch.float64)
zero, slope = torch.zeros(()), torch.tensor(0.25)
FUNCTIONS = {
    "prelu": lambda x: functional.prelu(x, slope),
    "fmax": lambda x: torch.fmax(x, zero),
    "fmin": lambda x: torch.fmin(x, zero),
    "relu": functional.relu,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.25),
    "elu": lambda x: functional.elu(x, 0.25),
    "abs": torch.abs,
    "maximum": lambda x: torch.maximum(x, zero),
    "minimum": lambda x: torch.minimum(x, zero),
}
slopes = {name: (jacfwd(f)(zero).item(), jacrev(f)(zero).item()) for name, f in FUNCTIONS.items()}
print("             forward  reverse")
for name, (forward, reverse) in slopes.items():
    if forward != reverse:
        print(f"{name:<12} {forward:<8} {reverse}")
same = ", ".join(f"{name} {forward}" for name, (forward, reverse) in slopes.items() if forward == reverse)
print("and the same in both modes:", same)

torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.PReLU(), torch.nn.Linear(8, 1))
torch.nn.init.zeros_(network[0].bias)
weights = {name: weight.detach() for name, weight in network.named_parameters()}
direction = {name: torch.ones_like(weight) for name, weight in weights.items()}
points = torch.linspace(-1, 1, 5)[:, None]


def outputs(weights):
    return functional_call(network, weights, (points,))[:, 0]


_, along = jvp(outputs, (weights,), (direction,))
_, transposed = vjp(outputs, weights)
rows = [transposed(unit)[0] for unit in torch.eye(5)]
by_rows = torch.stack([sum((row[name] * direction[name]).sum() for name in row) for row in rows])
print("a network with PReLU on 5 points: J v differs at x =", points[(along - by_rows).abs() > 1e-12, 0].tolist())
PY
said=$("$work/venv/bin/python" "$work/slopes.py")
printf '%s\n' "$said"
[ "$said" = "             forward  reverse
prelu        1.0      0.25
fmax         0.0      1.0
and the same in both modes: fmin 1.0, relu 0.0, leaky_relu 0.25, elu 0.25, abs 0.0, maximum 0.5, minimum 0.5
a network with PReLU on 5 points: J v differs at x = [0.0]" ]
