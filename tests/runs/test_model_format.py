from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.toy_recognisers import recogniser

from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.runs.model_file import MODEL_FORMAT, load_model, load_provenance, load_text_rule, load_tokens, save_model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model = recogniser()
    save_model(tmp_path / "model.safetensors", model.weights(), model.spec, model.tokens)
    return tmp_path / "model.safetensors"


def rewrite(path: Path, **changes: Any) -> None:
    arrays, about = load_arrays(path)
    save_arrays(path, arrays, {key: value for key, value in {**about, **changes}.items() if value is not None})


def test_a_model_says_its_format(path: Path) -> None:
    assert load_arrays(path)[1]["model_format"] == MODEL_FORMAT


@pytest.mark.parametrize("read", [load_model, load_provenance, load_text_rule, load_tokens])
def test_a_newer_format_is_refused_in_a_line(path: Path, read: Any) -> None:
    rewrite(path, model_format=MODEL_FORMAT + 1)
    with pytest.raises(UserError, match=f"model.safetensors: a model of format {MODEL_FORMAT + 1}, .* a newer one$"):
        read(path)


@pytest.mark.parametrize("version", ["1", 0, -1, [1], 1.5])
def test_what_is_no_format_is_refused(path: Path, version: Any) -> None:
    rewrite(path, model_format=version)
    with pytest.raises(UserError, match="not a model of fedasr"):
        load_model(path)


@pytest.mark.parametrize("read", [load_model, load_provenance, load_text_rule, load_tokens])
def test_a_checkpoint_in_a_models_place_is_one_line(path: Path, read: Any) -> None:
    save_arrays(path, {"encoder": np.zeros(2, np.float32)}, {"round": 3})
    with pytest.raises(UserError, match=r"model\.safetensors: .* model .*of fedasr.*; put it back as it was"):
        read(path)


def test_a_model_from_before_formats_were_said_is_read(path: Path) -> None:
    weights = load_model(path).weights()
    rewrite(path, model_format=None)
    assert all(np.array_equal(array, weights[name]) for name, array in load_model(path).weights().items())
