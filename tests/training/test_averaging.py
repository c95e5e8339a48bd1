import pytest
import torch
from silicon import small

from mlip.training.averaging import WeightAverage, load_weights


def test_the_average_follows_its_formula() -> None:
    model = small()
    average = WeightAverage(model, decay=0.5)
    name, weight = next(iter(model.named_parameters()))
    expected = weight.detach().clone()
    for step in range(1, 30):
        with torch.no_grad():
            weight += 1.0
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight.detach()
    torch.testing.assert_close(average.weights[name], expected, rtol=1e-12, atol=0.0)


def test_no_decay_means_the_weights_themselves() -> None:
    model = small()
    average = WeightAverage(model, decay=0.0)
    load_weights(model, {n: p + 1.0 for n, p in model.named_parameters()})
    average.update()
    assert all(torch.equal(average.weights[n], p) for n, p in model.named_parameters())


def test_in_use_lends_the_average_and_gives_the_weights_back() -> None:
    model = small()
    average = WeightAverage(model, decay=0.9)
    start = {n: p.detach().clone() for n, p in model.named_parameters()}
    load_weights(model, {n: p + 1.0 for n, p in start.items()})

    def raise_inside() -> None:
        with average.in_use():
            assert all(torch.equal(start[n], p) for n, p in model.named_parameters())
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        raise_inside()
    assert all(torch.equal(start[n] + 1.0, p) for n, p in model.named_parameters())
