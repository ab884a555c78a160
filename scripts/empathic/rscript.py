"""A fitted model as a plain R script, which runs alone on ratings.csv and gives the numbers of the tables beside it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from empathic import ages
from empathic.declared import Declared
from empathic.formula import Dropped

IDS = ("included", "item", "rater_id", "response_id")  # texts, whatever they look like

READ = """\
library(lmerTest)  # brings lme4
library(emmeans)[[ordinal]]

arguments <- commandArgs(trailingOnly = TRUE)
own <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
here <- if (length(own)) dirname(gsub("~+~", " ", own, fixed = TRUE)) else "."
file <- if (length(arguments) > 0) arguments[1] else file.path(here, "..", "..", "ratings.csv")
folder <- if (length(arguments) > 1) arguments[2] else NULL

# Included ratings of the item, with every value that the model needs; texts as factors, their levels sorted by bytes
# but for those whose order is declared above.
ratings <- read.csv(file, na.strings = "", encoding = "UTF-8",
                    colClasses = setNames(rep("character", length(texts)), texts))
ratings <- ratings[ratings$included == "True" & ratings$item == item, ]
[[columns]]ratings <- ratings[complete.cases(ratings[used]), ]
[[centred]]for (name in intersect(texts, used))
  ratings[[name]] <- factor(ratings[[name]], levels = sort(unique(ratings[[name]]), method = "radix"))
[[ordered]]ratings$source <- factor(ratings$source, levels = sources)
contrasts(ratings$source) <- contr.treatment(sources, base = match(reference, sources))
"""

COLUMN = """\
beside <- read.csv(file.path(dirname(file), "{table}.csv"), na.strings = "", encoding = "UTF-8")
ratings${name} <- beside${name}[match(ratings${key}, beside${key})]
"""

AGE = f"""\
# An age is told in a band, and enters as its middle; an open band counts as {ages.OPEN_YEARS} years wide.
middle <- function(band) {{
  ends <- as.numeric(strsplit(gsub("[^0-9-]", "", band), "-")[[1]])
  if (startsWith(band, "below")) return(ends - {-ages.BELOW})
  if (endsWith(band, "older")) ends + {ages.OLDER} else mean(ends)
}}
ratings$age <- vapply(ratings$age, function(band) if (is.na(band)) NA_real_ else middle(band), 0)
"""

CENTRED = """\
ratings$age <- ratings$age - mean(ratings$age[!duplicated(ratings$rater_id)])  # less the mean over the raters
"""

FIRST_SEEN = """\
ratings <- ratings[order(ratings$position), ]
ratings <- ratings[!duplicated(ratings[c("rater_id", "post_id")]), ]
"""

ORDERED = """\
ratings$rating <- factor(ratings$rating, ordered = TRUE)
"""

DOMAINS = """\
ratings$domain <- factor(ratings$domain, levels = domains)
"""

SUM_CODED = """\
contrasts(ratings${name}) <- contr.sum(nlevels(ratings${name}))  # its levels weigh equally
"""

SIGMA_MIXED = """\
variance_residual <- sigma(fit)^2
ordering <- c("natural", "given", "AMD", "METIS", "NESDIS", "COLAMD", "postordered")[getME(fit, "L")@type[1] + 1]
if (ordering != tables_ordering)
  message("This start of R ordered the random effects otherwise than for the tables (", ordering, ", not ",
          tables_ordering, "; with Debian 12's packages that is chance), so later digits differ: start it again.")
components <- as.data.frame(VarCorr(fit), order = "lower.tri")
n_levels <- ngrps(fit)
intercepts <- (components$var1 %in% "(Intercept)" & is.na(components$var2)) | components$grp == "Residual"
sigma_total <- sqrt(sum(components$vcov[intercepts]))
fixed <- as.data.frame(coef(summary(fit, ddf = ddf)))
fixed <- data.frame(term = rownames(fixed), estimate = fixed[["Estimate"]], std_error = fixed[["Std. Error"]],
                    df = fixed[["df"]], statistic = fixed[["t value"]], p_value = fixed[["Pr(>|t|)"]])
test_rows <- function(name, contrasts) {
  found <- contestMD(fit, contrasts@linfct, ddf = ddf)
  data.frame(test = name, method = "F", statistic = found[["F value"]], df_num = found[["NumDF"]],
             df_den = found[["DenDF"]], p_value = found[["Pr(>F)"]])
}
"""

SIGMA_LINEAR = """\
ordering <- NA
components <- data.frame(grp = "Residual", var1 = NA, var2 = NA, vcov = sigma(fit)^2, sdcor = sigma(fit))
n_levels <- c(Residual = NA)
sigma_total <- sigma(fit)
fixed <- as.data.frame(coef(summary(fit)))
fixed <- data.frame(term = rownames(fixed), estimate = fixed[["Estimate"]], std_error = fixed[["Std. Error"]],
                    df = df.residual(fit), statistic = fixed[["t value"]], p_value = fixed[["Pr(>|t|)"]])
test_rows <- function(name, contrasts) {
  rows <- contrasts@linfct
  independent <- qr(t(rows))
  rows <- rows[independent$pivot[seq_len(independent$rank)], , drop = FALSE]
  found <- rows %*% coef(fit)
  statistic <- drop(crossprod(found, solve(rows %*% vcov(fit) %*% t(rows), found))) / nrow(rows)
  data.frame(test = name, method = "F", statistic = statistic, df_num = nrow(rows), df_den = df.residual(fit),
             p_value = pf(statistic, nrow(rows), df.residual(fit), lower.tail = FALSE))
}
"""

# Wald tests, by the normal distribution, on the scale of the link.
WALD = """\
used <- seq_along(beta)
V <- as.matrix(vcov(fit))[used, used]
fixed <- data.frame(term = names(beta), estimate = beta, std_error = sqrt(diag(V)), df = Inf)
fixed$statistic <- fixed$estimate / fixed$std_error
fixed$p_value <- 2 * pnorm(-abs(fixed$statistic))
test_rows <- function(name, contrasts) {
  rows <- contrasts@linfct
  independent <- qr(t(rows))
  rows <- rows[independent$pivot[seq_len(independent$rank)], , drop = FALSE]
  found <- rows %*% beta
  statistic <- drop(crossprod(found, solve(rows %*% V %*% t(rows), found)))
  data.frame(test = name, method = "Wald", statistic = statistic, df_num = nrow(rows), df_den = NA,
             p_value = pchisq(statistic, nrow(rows), lower.tail = FALSE))
}
"""

SIGMA_ORDINAL = """\
ordering <- NA
components <- do.call(rbind, lapply(names(VarCorr(fit)), function(group) {
  V <- VarCorr(fit)[[group]]
  at <- which(lower.tri(V, diag = TRUE), arr.ind = TRUE)
  at <- at[order(at[, 1], at[, 2]), , drop = FALSE]
  own <- at[, 1] == at[, 2]
  data.frame(grp = group, var1 = colnames(V)[at[, 2]], var2 = ifelse(own, NA, colnames(V)[at[, 1]]), vcov = V[at],
             sdcor = ifelse(own, sqrt(V[at]), cov2cor(V)[at]))
}))
n_levels <- fit$dims$nlev.gf
intercepts <- components$var1 == "(Intercept)" & is.na(components$var2)
sigma_total <- sqrt(sum(components$vcov[intercepts]) + variance_residual)
beta <- coef(fit)
"""

SIGMA_GENERALIZED = """\
ordering <- NA
components <- as.data.frame(VarCorr(fit), order = "lower.tri")
n_levels <- ngrps(fit)
intercepts <- components$var1 %in% "(Intercept)" & is.na(components$var2)
sigma_total <- sqrt(sum(components$vcov[intercepts]) + variance_residual)
beta <- fixef(fit)
"""

SIGMA_ASYMPTOTIC = """\
variance_residual <- sigma(fit)^2
ordering <- NA
components <- as.data.frame(VarCorr(fit), order = "lower.tri")
n_levels <- ngrps(fit)
intercepts <- (components$var1 %in% "(Intercept)" & is.na(components$var2)) | components$grp == "Residual"
sigma_total <- sqrt(sum(components$vcov[intercepts]))
beta <- fixef(fit)
"""

SIGMA_PLAIN = """\
ordering <- NA
random <- data.frame()
sigma_total <- sqrt(variance_residual)
beta <- coef(fit)
"""

RANDOM = """\
single <- is.na(components$var2)
grouping <- ifelse(components$grp %in% names(n_levels), components$grp, sub("[.][0-9]+$", "", components$grp))
random <- data.frame(group = components$grp, term = components$var1, term2 = components$var2,
                     variance = components$vcov, std_dev = ifelse(single, components$sdcor, NA),
                     correlation = ifelse(single, NA, components$sdcor), n_levels = unname(n_levels[grouping]))
"""

ENDS = """\
fixed$conf_low <- fixed$estimate - qt(0.975, fixed$df) * fixed$std_error
fixed$conf_high <- fixed$estimate + qt(0.975, fixed$df) * fixed$std_error
"""

MEANS = """\

# Means and differences of sources, with df of the same kind at any size (emmeans would go over to z past 3,000 rows).
emm_options(lmer.df = df, lmerTest.limit = nrow(ratings), pbkrtest.limit = nrow(ratings))
delta <- [[delta]]
average <- function(means, domain) {
  found <- as.data.frame(summary(means, infer = c(TRUE, FALSE)))
  ends <- found[grep("CL$", names(found))]
  data.frame(source = found$source, domain = domain, estimate = found[[attr(summary(means), "estName")]],
             std_error = found$SE, df = found$df, conf_low = ends[[1]], conf_high = ends[[2]])
}
between <- function(found, which) found[[grep("CL$", names(found))[which]]]
tested <- function(differences, delta) {
  plain <- as.data.frame(summary(differences, infer = TRUE, adjust = "none"))
  level_90 <- as.data.frame(summary(differences, infer = c(TRUE, FALSE), level = 0.90, adjust = "none"))
  data.frame(estimate = plain$estimate, std_error = plain$SE, df = plain$df,
             statistic = plain[[grep("ratio$", names(plain))]], p_value = plain$p.value,
             conf_low = between(plain, 1), conf_high = between(plain, 2),
             conf_low_90 = between(level_90, 1), conf_high_90 = between(level_90, 2),
             p_equivalence = if (is.na(delta)) NA else as.data.frame(
               test(differences, delta = delta, side = "equivalence", adjust = "none"))$p.value, sesoi = delta)
}
compare <- function(means, domain) {
  differences <- contrast(means, "pairwise")[asked_of(domain)]
  family <- if (length(unique(domain)) > 1) "domain" else NULL
  differences <- update(differences, by.vars = family)
  plain <- tested(differences, delta)
  size <- sum(asked)
  adjusted <- as.data.frame(summary(differences, infer = c(TRUE, FALSE), level = 1 - 0.05 / size, adjust = "none"))
  places <- domain[asked_of(domain)]
  data.frame(contrast = rep(pairs[asked], length(unique(domain))), by = places, plain,
             p_adjusted = ave(seq_along(places), if (is.null(family)) rep(1, size) else places, FUN = function(rows)
               if (adjust == "tukey") ptukey(abs(plain$estimate / plain$std_error)[rows] * sqrt(2), length(sources),
                                             plain$df[rows], lower.tail = FALSE)
               else p.adjust(plain$p_value[rows], adjust)),
             conf_low_adj = between(adjusted, 1), conf_high_adj = between(adjusted, 2),
             d = plain$estimate / sigma_total, percent_of_range = 100 * plain$estimate / scale_range,
             family_size = size)
}
asked_of <- function(domain) rep(asked, length(unique(domain)))
pairs <- combn(sources, 2, paste, collapse = " - ")
overall <- emmeans(fit, "source", weights = "equal")
means <- average(overall, NA)
contrasts <- compare(overall, rep(NA, length(pairs)))
differences <- contrast(overall, "pairwise")
tests <- test_rows("source", differences)
interactions <- data.frame()
"""

DOMAIN = """\
tests <- rbind(tests, test_rows("domain", contrast(emmeans(fit, "domain", weights = "equal"), "pairwise")))
"""

CROSSED = """\
apart <- contrast(emmeans(fit, c("source", "domain")), interaction = c("pairwise", "eff"))
tests <- rbind(tests, test_rows("source:domain", apart))
interactions <- data.frame(contrast = pairs, by = rep(domains, each = length(pairs)), tested(apart, [[delta]]))
"""

INSIDE = """\
inside <- emmeans(fit, "source", by = "domain", weights = "equal")
means <- rbind(means, average(inside, rep(domains, each = length(sources))))
contrasts <- rbind(contrasts, compare(inside, rep(domains, each = length(pairs))))
"""

SETS = """\

# The same tests of some sources alone.
sets <- do.call(rbind, lapply([[sets]], function(chosen) {
  inside <- combn(sources, 2, function(pair) all(pair %in% chosen))
  found <- test_rows("source", differences[which(inside)])
  [[apart]]cbind(sources = paste(chosen, collapse = ", "), found)
}))
"""

APART = """\
found <- rbind(found, test_rows("source:domain", apart[which(rep(inside, length(domains)))]))
  """

SET_OF_ALL = """\
sets <- rbind(sets, cbind(sources = paste(sources, collapse = ", "),
                          tests[tests$test == "source:domain" & tests$method == "likelihood ratio", ]))
"""

EFFECTS = """\

# Each level's random effect, with its conditional standard deviation.
effects <- as.data.frame(ranef(fit, condVar = TRUE))
random_effects <- data.frame(group = effects$grpvar, level = effects$grp, term = effects$term,
                             estimate = effects$condval, std_error = effects$condsd)
"""

EFFECTS_ORDINAL = """\

# Each level's random effect, with its conditional standard deviation.
modes <- ordinal::ranef(fit)
spread <- ordinal::condVar(fit)
random_effects <- do.call(rbind, lapply(names(modes), function(group) data.frame(
  group = group, level = rep(rownames(modes[[group]]), ncol(modes[[group]])),
  term = rep(colnames(modes[[group]]), each = nrow(modes[[group]])), estimate = unlist(modes[[group]]),
  std_error = sqrt(unlist(spread[[group]])))))
"""

RESIDUALS = """\
residuals <- data.frame(ratings[c("rater_id", "response_id")], fitted = fitted(fit), residual = residuals(fit))
residuals$normal_quantile <- qnorm((rank(residuals$residual, ties.method = "first") - 0.5) / nrow(residuals))
"""

# A mean answer is points[1] + the sum over k of (points[k + 1] - points[k]) * P(latent answer > threshold k).
EXPECTED = """\

# The mean answer that the model expects of each source, over its random intercepts and domains of equal weight.
groups <- [[groups]]
points <- as.numeric(levels(ratings$rating))
alone <- length(groups) == 1  # then ordinal has the logarithm of its SD
parameters <- c(fit$alpha, fit$beta, if (alone) log(groups) else groups)
V <- vcov(fit)
expected_of <- function(parameters, rows) {
  threshold <- parameters[seq_along(fit$alpha)]
  sds <- parameters[-seq_len(length(fit$alpha) + length(fit$beta))]
  spread <- sqrt(sum((if (alone) exp(sds) else sds)^2))
  cumulative <- [[cumulative]]
  above <- function(distance) if (spread == 0) cumulative(distance) else
    integrate(function(u) cumulative(distance + spread * u) * dnorm(u), -Inf, Inf, rel.tol = 1e-10)$value
  mean(apply(rows[, -seq_along(threshold), drop = FALSE], 1, function(row) points[1] + sum(diff(points) *
    vapply(sum(row * parameters[length(threshold) + seq_along(fit$beta)]) - threshold, above, 0))))
}
cells <- [[cells]]@linfct
at <- rep(seq_along(sources), length.out = nrow(cells))
cells <- c(lapply(seq_along(sources), function(source) cells[at == source, , drop = FALSE]),
           if (nrow(means) > length(sources)) lapply(seq_len(nrow(cells)), function(row) cells[row, , drop = FALSE]))
for (row in seq_along(cells)) {
  varying <- which(c(names(fit$alpha), names(fit$beta), if (length(groups)) paste0("ST", seq_along(groups)))
                   %in% rownames(V))
  slopes <- vapply(varying, function(place) {
    step <- replace(numeric(length(parameters)), place, 1e-4)
    (expected_of(parameters + step, cells[[row]]) - expected_of(parameters - step, cells[[row]])) / 2e-4
  }, 0)
  means$expected[row] <- expected_of(parameters, cells[[row]])
  means$expected_std_error[row] <- sqrt(drop(slopes %*% V %*% slopes))
}
means$expected_conf_low <- means$expected - qnorm(0.975) * means$expected_std_error
means$expected_conf_high <- means$expected + qnorm(0.975) * means$expected_std_error
"""

RATIO = """\
larger <- {larger}
smaller <- {smaller}
statistic <- 2 * (as.numeric(logLik(larger)) - as.numeric(logLik(smaller)))
df_num <- attr(logLik(larger), "df") - attr(logLik(smaller), "df")
tests <- rbind(tests, data.frame(test = {test}, method = "likelihood ratio", statistic = statistic, df_num = df_num,
                                 df_den = NA, p_value = pchisq(statistic, df_num, lower.tail = FALSE)))
"""

WRITE = """\

whole <- data.frame(n = nobs(fit), logLik = as.numeric(logLik(fit)), AIC = AIC(fit), BIC = BIC(fit),
                    sigma_total = sigma_total, ordering = ordering)
print(summary(fit))
results <- list(fit = whole, fixed = fixed, random = random, tests = tests, sets = sets, means = means,
                contrasts = contrasts, interactions = interactions, random_effects = random_effects,
                residuals = residuals)
if (is.null(folder)) results <- results[setdiff(names(results), c("random_effects", "residuals"))]
for (name in names(results)) {
  if (is.null(folder)) cat("\\n# ", name, "\\n", sep = "")
  write.csv(results[[name]], if (is.null(folder)) "" else file.path(folder, paste0(name, ".csv")), row.names = FALSE,
            na = "")
}
"""


def write(
    declared: Declared,
    *,
    formula: str,
    smaller: Sequence[tuple[str, str, str]],
    mixed: bool,
    control: str | None,
    ordering: str | None,
    used: Sequence[str],
    texts: Sequence[str],
    beside: Mapping[str, tuple[str, str]],
    domains: Sequence[str],
    sum_coded: Sequence[str],
    crossed: bool,
    inside: bool,
    with_expected: bool,
    dropped: Iterable[Dropped],
) -> str:
    """The script of one fit.

    formula: as fitted. smaller: likelihood-ratio tests, each (test, larger formula, smaller formula). mixed: whether it
    has random terms. control: lme4's or ordinal's, in R, where it is not its default. ordering: CHOLMOD's of the random
    effects. used: the formula's columns. texts: those that are text. beside: those of other tables, each with (table,
    key). domains: in their order, where the fixed part has them. sum_coded: the factors whose effects sum to zero.
    crossed: whether source and domain interact. inside: whether there are contrasts within domains. with_expected:
    whether means have expected ratings. dropped: what was left out, and why.
    """
    asked = ", ".join(str(pair in declared.pairs).upper() for pair in combinations(declared.sources, 2))
    ddf = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}.get(declared.df)
    gaussian = declared.family == "gaussian"
    lines = [
        f"# The model '{declared.model}' of {declared.study} as a plain R script: the numbers of the tables beside it.",
        "#     Rscript model.R [ratings.csv [folder for the tables]]",
        "# Without arguments it reads ../../ratings.csv, as seen from its own folder, and prints the tables but for",
        "# the random effects of single levels and the residuals of single ratings.",
        f"# Declared: {declared.formula}",
        *(f"# Left out, {term.term}: {term.why}." for term in dropped),
        "",
        f"item <- {_r(declared.item)}",
        f"sources <- {_vector(declared.sources)}",
        f"reference <- {_r(declared.base)}",
        *([f"domains <- {_vector(domains)}"] if domains else []),
        f"asked <- c({asked})  # which pairs of sources are compared",
        f"used <- {_vector(used)}",
        f"texts <- {_vector(dict.fromkeys([*IDS, *texts]))}",
        f"sesoi <- {_sesoi(declared, declared.sesoi)}",
        *([f"sesoi_interaction <- {_sesoi(declared, declared.sesoi_interaction)}"] if crossed else []),
        f"scale_range <- {declared.scale_range if gaussian else 'NA'}",
        f"adjust <- {_r(declared.adjust)}",
        f"df <- {_r(declared.df)}",
        *([f"ddf <- {_r(ddf)}"] if ddf else []),
        *([f"tables_ordering <- {_r(ordering)}  # CHOLMOD's, of the random effects"] if ordering and ddf else []),
        "",
    ]
    parts = ["\n".join(lines) + "\n", _read(declared, beside, domains)]
    parts += [ORDERED] if declared.family == "ordinal" else []
    parts += [SUM_CODED.format(name=name) for name in sum_coded]
    parts += [
        "\n",
        f"fit <- {_fit(declared, formula, mixed, control)}\n",
        _numbers(declared, mixed),
        ENDS,
        MEANS.replace("[[delta]]", _delta(declared, "sesoi")),
    ]
    parts += [DOMAIN] if domains else []
    parts += [CROSSED.replace("[[delta]]", _delta(declared, "sesoi_interaction"))] if crossed else []
    parts += [INSIDE] if inside else []
    parts += [_sets(declared, crossed=crossed)]
    parts += [_expected(declared, mixed=mixed, domain=bool(domains))] if with_expected else []
    parts += _ratios(declared, formula, smaller, mixed, control)
    parts += [SET_OF_ALL] if not gaussian and "source:domain" in [test for test, *_ in smaller] else []
    return "".join([*parts, *_levels(declared, mixed), WRITE])


def _read(declared: Declared, beside: Mapping[str, tuple[str, str]], domains: Sequence[str]) -> str:
    """The lines that read the ratings and what the model takes from other tables."""
    columns = [FIRST_SEEN] if declared.first_seen else []
    columns += [COLUMN.format(name=name, table=table, key=key) for name, (table, key) in beside.items()]
    columns += [AGE] if ages.among(beside) else []
    given = {
        "ordinal": "\nlibrary(ordinal)" if declared.family == "ordinal" else "",
        "columns": "".join(columns),
        "centred": CENTRED if ages.among(beside) else "",
        "ordered": DOMAINS if domains else "",
    }
    lines = READ
    for place, text in given.items():
        lines = lines.replace(f"[[{place}]]", text)
    return lines


def _ratios(
    declared: Declared, formula: str, smaller: Sequence[tuple[str, str, str]], mixed: bool, control: str | None
) -> list[str]:
    """The lines of the likelihood-ratio tests; a fit that is there already is not made again, here as in the tables."""
    made = {} if declared.reml and mixed else {formula: "fit"}
    parts = []
    for test, larger, less in smaller:
        by_ml = [_fit(declared, part, mixed, control, by_ml=True) for part in (larger, less)]
        parts.append(RATIO.format(larger=made.get(larger, by_ml[0]), smaller=by_ml[1], test=_r(test)))
        made[less] = "smaller"
    return parts


def _expected(declared: Declared, *, mixed: bool, domain: bool) -> str:
    groups = 'vapply(VarCorr(fit), function(group) attr(group, "stddev")[[1]], 0)' if mixed else "numeric()"
    cells = 'emmeans(fit, "source"' + (', by = "domain")' if domain else ")")
    lines = EXPECTED.replace("[[groups]]", groups).replace("[[cells]]", cells)
    return lines.replace("[[cumulative]]", {"probit": "pnorm", "logit": "plogis"}[declared.link])


def _fit(declared: Declared, formula: str, mixed: bool, control: str | None, *, by_ml: bool = False) -> str:
    """The call that fits a formula; by_ml: by maximum likelihood, for its log-likelihood alone (no df)."""
    extra = f", control = {control}" if control else ""
    link = f", link = {_r(declared.link)}"
    if declared.family == "gaussian":
        if not mixed:
            return f"lm({formula}, data = ratings)"
        reml = str(declared.reml and not by_ml).upper()
        return f"{'lme4::' if by_ml else ''}lmer({formula},\n            data = ratings, REML = {reml}{extra})"
    if declared.family == "ordinal":
        return f"{'clmm' if mixed else 'clm'}({formula},\n            data = ratings{link}{extra if mixed else ''})"
    family = f"family = {declared.family}({_r(declared.link)})"
    return f"{'glmer' if mixed else 'glm'}({formula},\n            data = ratings, {family}{extra if mixed else ''})"


def _numbers(declared: Declared, mixed: bool) -> str:
    """The lines that take variances, fixed effects and tests from the fit."""
    if declared.family == "gaussian":
        if mixed and declared.df == "asymptotic":
            return SIGMA_ASYMPTOTIC + WALD + RANDOM
        return (SIGMA_MIXED if mixed else SIGMA_LINEAR) + RANDOM
    residual = {"logit": "pi^2 / 3", "probit": "1", "log": "log1p(1 / mean(ratings$rating))"}[declared.link]
    lines = f"variance_residual <- {residual}  # on the scale of the link\n"
    if not mixed:
        return lines + SIGMA_PLAIN + WALD
    return lines + (SIGMA_ORDINAL if declared.family == "ordinal" else SIGMA_GENERALIZED) + WALD + RANDOM


def _sesoi(declared: Declared, sesoi: float) -> str:
    if declared.sesoi_units == "total_sd":
        return f"{sesoi!r}  # smallest effect size of interest, in total SDs"
    known = repr(sesoi) if declared.family == "gaussian" else "NA"
    return f"{known}  # smallest effect size of interest, in units of the rating"


def _delta(declared: Declared, sesoi: str) -> str:
    """A smallest effect size of interest, by its name in the script, in units of the estimates."""
    return f"{sesoi} * sigma_total" if declared.sesoi_units == "total_sd" else sesoi


def _sets(declared: Declared, *, crossed: bool) -> str:
    """The lines of the omnibus tests over sets of sources."""
    chosen = ", ".join(map(_vector, declared.every_set))
    apart = APART if crossed and declared.family == "gaussian" else ""
    return SETS.replace("[[sets]]", f"list({chosen})").replace("[[apart]]", apart)


def _levels(declared: Declared, mixed: bool) -> list[str]:
    """The lines that give a row for each level of a grouping and for each rating."""
    ordinal = declared.family == "ordinal"
    effects = (EFFECTS_ORDINAL if ordinal else EFFECTS) if mixed else "\nrandom_effects <- data.frame()\n"
    return [effects, "residuals <- data.frame()\n" if ordinal else RESIDUALS]


def _vector(values: Iterable[str]) -> str:
    return f"c({', '.join(map(_r, values))})"


def _r(value: str) -> str:
    """A text as R source: its escapes are JSON's."""
    return json.dumps(value, ensure_ascii=False)
