"""Norms, softmax, pools and the loss: what they allocate and save."""

from lambda_arch.costs.tape.records import elementwise_back, fresh, made, new_maps, to
from lambda_arch.costs.tape.tape import FLOAT, LONG, Parameter, Tape, Tensor


def batch_norm(tape: Tape, x: Tensor, weight: Parameter, bias: Parameter) -> Tensor:
    """Return a batch norm of x (b, c, H, W); statistics of the batch are saved in training."""
    node = tape.node([x, weight, bias], fresh([x, weight, bias]))
    tape.save(node, x)
    out = made(new_maps(tape, x, x.shape, x.size), node)
    statistics = [tape.new((x.shape[1],)) for _ in range(2 if tape.training else 0)]
    tape.save(node, *statistics)
    return out


def softmax(tape: Tape, x: Tensor) -> Tensor:
    """Return a softmax of x; its output is saved, contiguous. On GPUs autocast computes it in float32."""
    if tape.device == "cuda" and tape.low != FLOAT:
        x = to(tape, x, FLOAT)
    node = tape.node([x], fresh([x]))
    out = tape.new(x.shape, x.size)
    tape.save(node, out)
    return made(out, node)


def max_pool(tape: Tape, x: Tensor, side: int) -> Tensor:
    """Return a max-pool of x to maps of ``side``; its input and the indices of the maxima are saved."""
    node = tape.node([x], fresh([x]))
    tape.save(node, x)
    out = made(new_maps(tape, x, (*x.shape[:2], side, side), x.size), node)
    tape.save(node, tape.new(out.shape, LONG))
    return out


def average_pool(tape: Tape, x: Tensor, side: int) -> Tensor:
    """Return an average-pool of x to maps of ``side``; its input is saved."""
    node = tape.node([x], fresh([x]))
    tape.save(node, x)
    return made(new_maps(tape, x, (*x.shape[:2], side, side), x.size), node)


def mean(tape: Tape, x: Tensor) -> Tensor:
    """Return the mean of each map of x (b, c, H, W), as (b, c, 1, 1)."""
    return made(tape.new((*x.shape[:2], 1, 1), x.size), tape.node([x], fresh([x])))


def cross_entropy(tape: Tape, logits: Tensor) -> Tensor:
    """Return the mean cross-entropy of logits (b, classes), in float32; labels are 8 bytes an image."""
    wide = to(tape, logits, FLOAT)
    node = tape.node([wide], elementwise_back)
    normed = tape.new(wide.shape)
    tape.save(node, normed)
    normed.node = node
    del wide
    node = tape.node([normed], fresh([normed]))
    tape.save(node, tape.new(()))
    return made(tape.new(()), node)
