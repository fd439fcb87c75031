"""Products of torch's matrices by OpenBLAS, beside numpy's in double precision."""

import numpy as np
import pytest
import torch

from featurelens.products import PlainProducts, added_product, product

RNG = np.random.default_rng(0)


def drawn(*shape):
    return torch.from_numpy(RNG.standard_normal(shape).astype(np.float32))


def close(found, expected):
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stack", [(), (3,)])
def test_products_are_those_of_double_precision(stack):
    a, b, shift = drawn(*stack, 7, 5), drawn(*stack, 5, 9), drawn(*stack[:1], 1, 9)
    expected = a.double().numpy() @ b.double().numpy()
    close(product(a, b), expected)
    close(product(b.mT, a.mT), np.swapaxes(expected, -1, -2))
    close(added_product(shift, a, b), expected + shift.numpy())


def test_a_result_goes_where_it_is_asked_for():
    """Such as the gradients of one point within the gradients of a stack."""
    a, b = drawn(2, 7, 5), drawn(2, 5, 9)
    room = torch.full((2, 80), -1.0)
    place = room[:, 10:73].unflatten(1, (7, 9))
    assert product(a, b, place) is place
    close(room[:, 10:73].reshape(2, 7, 9), a.double().numpy() @ b.double().numpy())
    assert (room[:, :10] == -1).all()
    assert (room[:, 73:] == -1).all()


def test_gradients_of_what_is_written_as_a_product():
    """∂ sum(g (a b)) / ∂a = g bᵀ and / ∂b = aᵀ g, by hand."""
    a, b, g = drawn(7, 5).requires_grad_(), drawn(5, 9).requires_grad_(), drawn(7, 9)
    with PlainProducts():
        (g * (a @ b)).sum().backward()
    wide = {
        name: value.detach().double().numpy() for name, value in zip("abg", (a, b, g), strict=True)
    }
    close(a.grad, wide["g"] @ wide["b"].T)
    close(b.grad, wide["a"].T @ wide["g"])


def test_a_matrix_that_is_not_trained_gets_no_gradient():
    a, fixed = drawn(7, 5).requires_grad_(), drawn(5, 9)
    with PlainProducts():
        (a @ fixed).sum().backward()
    close(a.grad, np.tile(fixed.double().numpy().sum(1), (7, 1)))
    assert fixed.grad is None


def test_other_products_are_torchs():
    stack, vector = drawn(2, 3, 4), drawn(4)
    with PlainProducts():
        close(stack @ vector, stack.double().numpy() @ vector.double().numpy())
