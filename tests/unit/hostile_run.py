"""A made-up run whose texts, titles, domains and raters' answers would each do something if anything read them."""

from made_up_run import config_of, write

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> ![image](http://example.org/x.png) "
    "{{< include /etc/passwd >}} {{< pagebreak >}} `{python} 1/0` `r 1/0` $x^2$ $$y$$ @fig-study1-means "
    "?@fig-none [@lee2024] ::: {.banner} ::: "
    "&lt;b&gt; &#123; <!--% for x in y --> [[title]] </div></details></code> *a* _b_ -- ... \u202eright to left\u202c "
    "zero\u200bwidth 🙂 \\n"
)
CELL = "\n\n```{python}\nraise SystemExit('a cell of a post was run')\n```\n\n# A heading\n\n- a list\n"
LONG = "x" * 20_000
TITLE = "A source <b>in bold</b> for $5 & `{python} 1/0` {{< x >}} @tbl-claims *star*"
DOMAIN = "<i>dom</i> $a$ @b {c}"
TOLD = "</td><script>alert(2)</script> `{python} 1/0` {{< pagebreak >}} $x$ \u202eback\u202c a\u200bb " + "y" * 300


def plain(text):
    """A text as a page without markup shows it: white space as single spaces."""
    return " ".join(text.split())


def _config():
    config = config_of("configs/smoke.yaml")
    config["report"] = {"title": "Title: <b> `{python} 1/0` $x$ *star* @fig-a"}
    config["sources"]["smollm2_nf4"]["title"] = TITLE
    config["studies"]["study1"]["title"] = f"Study {TITLE}"
    return config


def _posts(posts):
    return posts.assign(text=HOSTILE + CELL, domain=posts.domain.replace("parenting", DOMAIN))


def write_hostile(folder):
    """Write the run below a folder."""
    return write(folder, _config(), change_posts=_posts, text=HOSTILE + CELL + LONG, told=TOLD)
