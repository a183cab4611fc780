"""Names of tensors in checkpoints of transformers, where a model has other ones in memory: experts are one tensor there."""


def checkpoint_gradients(model):
    """By the names of a checkpoint, where every expert has tensors of its own."""
    gradients = {}
    for name, value in model.named_parameters():
        stem, _, last = name.rpartition('.')
        if not stem.endswith('.experts'):
            gradients[name] = value.grad
            continue
        mixtral = model.config.model_type == 'mixtral'
        stem = stem.replace('.mlp.', '.block_sparse_moe.') if mixtral else stem
        names = dict(gate='w1', up='w3', down='w2') if mixtral else {k: f'{k}_proj' for k in ('gate', 'up', 'down')}
        for expert, gradient in enumerate(value.grad):
            parts = dict(zip(('gate', 'up'), gradient.chunk(2))) if last == 'gate_up_proj' else dict(down=gradient)
            gradients |= {f'{stem}.{expert}.{names[part]}.weight': tensor for part, tensor in parts.items()}
    return {name.replace('.mlp.gate.', '.block_sparse_moe.gate.') if model.config.model_type == 'mixtral' else name: value
            for name, value in gradients.items()}
