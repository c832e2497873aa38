"""The losses of algorithms/lib/separation.h and their gradients, by PyTorch in double from the definitions.

Bousmalis et al. 2016, eq. 3 to 5: the scale-invariant mean squared error, and the difference loss as in the authors'
program (encodings centred and scaled to length 1), here divided by n^2; then both together through two private
encoders and one decoder of torch's linear layers. The gradients are autograd's.

usage: python3 tests/oracle/dsn.py > tests/oracle/dsn.values        (needs numpy, torch)
"""
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
N, E, Y, U, ALPHA, BETA = 5, 3, 4, 2, 0.7, 1.3


def wave(rows, cols, a, b, c, d=0.0):
    i, j = np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")
    return torch.tensor(np.sin(a * i + b * j + c * i * j + d))


def show(name, x):
    x = np.ravel(x.detach().numpy() if isinstance(x, torch.Tensor) else x)
    print(name, len(x), " ".join("%.15g" % v for v in x))


def simse(x, guess):
    e = x - guess
    k = x.shape[1]
    return ((e**2).sum(1) / k - e.sum(1) ** 2 / k**2).mean()


def unit(x):
    return torch.nn.functional.normalize(x - x.mean(0), dim=1)


def difference(c, p):
    return ((unit(c).T @ unit(p)) ** 2).sum() / len(c) ** 2


def leaf(x):
    return x.clone().requires_grad_(True)


x, guess = wave(N, Y, 1.1, 0.7, 0.3), leaf(wave(N, Y, 0.4, 1.9, 0.2, 0.5))
value = simse(x, guess)
value.backward()
show("simse", value)
show("simse_guess", guess.grad)

c, p = leaf(wave(N, E, 0.9, 1.3, 0.21)), leaf(wave(N, E, 1.7, 0.6, 0.33, 1.0))
value = difference(c, p)
value.backward()
show("difference", value)
show("difference_c", c.grad)
show("difference_p", p.grad)

size = 2 * (U * Y + U + E * U + E) + (U * E + U + Y * U + Y)
phi = leaf(0.6 * wave(1, size, 0.0, 1.37, 0.0)[0])


def stack(at, into, out):
    shapes = [(U, into), (U,), (out, U), (out,)]
    parts = []
    for s in shapes:
        n = int(np.prod(s))
        parts.append(phi[at : at + n].reshape(s))
        at += n
    w1, b1, w2, b2 = parts
    linear = torch.nn.functional.linear
    return at, lambda x: linear(torch.tanh(linear(x, w1, b1)), w2, b2)


at, private_source = stack(0, Y, E)
at, private_target = stack(at, Y, E)
at, decoder = stack(at, E, Y)
assert at == size
c, y = leaf(wave(2 * N, E, 0.9, 1.3, 0.21)), wave(2 * N, Y, 1.1, 0.7, 0.3)
recon = diff = 0
for side, encoder in enumerate([private_source, private_target]):
    rows = slice(side * N, (side + 1) * N)
    p = encoder(y[rows])
    recon = recon + simse(y[rows], decoder(c[rows] + p))
    diff = diff + difference(c[rows], p)
(ALPHA * recon + BETA * diff).backward()
show("reconstruction", recon)
show("separation", diff)
show("separation_c", c.grad)
show("separation_phi", phi.grad)
