"""How alike the responses of a source are, to each other and to the posts that they answer."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from empathic.style.tokens import Text

DRAWS = 1_000
MOST_POSTS = 2_000  # of which the responses are compared with each other: all pairs of more would fill the memory
RUN = 3  # words
TOKENS = 256  # what all-MiniLM-L6-v2 was made for; longer texts are cut
BATCH = 32


def likeness(
    vectors: np.ndarray | sparse.csr_array, rows: pd.DataFrame, posts: pd.Series, *, seed: int
) -> pd.DataFrame:
    """Mean cosine of the responses of each source to different posts, and of each response and its post.

    vectors: one a text, of length 1 or 0 (left out). rows: source, post_id and `vector`, the place of its vector, a row
    a response. posts: the place of the vector of each post_id.

    Returns source, to (`own`: other responses of the source; `post`), mean, conf_low and conf_high (95%, percentile,
    drawing whole posts) and n_posts. NaN where there is nothing to compare.
    """
    length = np.asarray((vectors * vectors).sum(axis=1)).ravel() > 0
    found = []
    for source, own in rows[length[rows.vector]].groupby("source", sort=False):
        rng = np.random.default_rng([seed, *str(source).encode()])
        codes, names = pd.factorize(own.post_id, sort=True)
        near = _row_cosines(vectors, own.vector.to_numpy(), posts.loc[own.post_id].to_numpy())
        to_post = pd.Series(near).groupby(codes).mean().to_numpy()
        weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
        means = (weights @ to_post) / len(names)
        found.append({"source": source, "to": "post", "mean": to_post.mean(), "n_posts": len(names)} | _ends(means))
        kept = np.sort(rng.permutation(len(names))[:MOST_POSTS])
        taken = np.isin(codes, kept)
        sums, sizes = _by_post(vectors, own.vector.to_numpy()[taken], codes[taken], kept)
        weights = rng.multinomial(len(kept), np.full(len(kept), 1 / len(kept)), DRAWS).astype(float)
        mean = _between_posts(sums, sizes, np.ones((1, len(kept))))[0]
        ends = _ends(_between_posts(sums, sizes, weights))
        found.append({"source": source, "to": "own", "mean": mean, "n_posts": len(kept)} | ends)
    return pd.DataFrame(found, columns=["source", "to", "mean", "conf_low", "conf_high", "n_posts"])


def _row_cosines(vectors: np.ndarray | sparse.csr_array, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray((vectors[first] * vectors[second]).sum(axis=1)).ravel()


def _by_post(
    vectors: np.ndarray | sparse.csr_array, places: np.ndarray, codes: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The products of the posts' sums of vectors (posts x posts), and how many responses each has."""
    post = np.searchsorted(kept, codes)
    adding = sparse.csr_array((np.ones(len(post)), (post, np.arange(len(post)))), shape=(len(kept), len(post)))
    sums = adding @ vectors[places]
    products = sums @ sums.T
    return (products.toarray() if sparse.issparse(products) else products), np.bincount(post, minlength=len(kept))


def _between_posts(products: np.ndarray, sizes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean cosine over pairs of responses to different posts, for each row of weights of the posts."""
    squares = weights**2
    pairs = (weights @ sizes) ** 2 - squares @ sizes**2
    total = ((weights @ products) * weights).sum(axis=1) - squares @ np.diag(products)
    return np.where(pairs > 0, total / np.where(pairs > 0, pairs, 1), np.nan)


def _ends(means: np.ndarray) -> dict[str, float]:
    if np.isnan(means).all():
        return {"conf_low": np.nan, "conf_high": np.nan}
    low, high = np.nanquantile(means, [0.025, 0.975])
    return {"conf_low": low, "conf_high": high}


def runs(texts: Sequence[Text]) -> sparse.csr_array:
    """The runs of three words that each text has, as vectors of length 1: their cosine is |A ∩ B| / √(|A| |B|)."""
    known: dict[tuple[str, ...], int] = {}
    places, lengths = [], []
    for text in texts:
        tokens = text.tokens
        own = {tuple(tokens[start : start + RUN]) for start in range(len(tokens) - RUN + 1)}
        places += [known.setdefault(run, len(known)) for run in own]
        lengths.append(len(own))
    sizes = np.array(lengths, int)
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes)
    return sparse.csr_array((values, places, [0, *np.cumsum(sizes)]), shape=(len(sizes), max(len(known), 1)))


def embed(
    texts: Sequence[str], folder: Path | str, *, threads: int = 1, progress: Callable[[int], None] = lambda done: None
) -> np.ndarray:
    """Sentence embeddings of texts: the mean over a text's tokens of the encoder's last layer, of length 1.

    folder: an encoder's config, tokenizer and safetensors (N. Reimers and I. Gurevych 2019; all-MiniLM-L6-v2).
    progress: takes the number of texts done. Texts of 256 tokens or more are cut there.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        # A megabyte of text takes the tokenizer long, and all but its beginning is cut.
        batch = [texts[place][: 40 * TOKENS] for place in places]
        coded = tokenizer(batch, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
        with torch.inference_mode():
            states = model(**coded).last_hidden_state
            mask = coded["attention_mask"][..., None]
            means = (states * mask).sum(dim=1) / mask.sum(dim=1)
            found[places] = torch.nn.functional.normalize(means).numpy()
        progress(start + len(places))
    return found
