"""A fitted model as a plain R script, which runs alone on ratings.csv and gives the numbers of the tables beside it."""

import json
from collections.abc import Iterable, Sequence

from empathic.declared import Declared
from empathic.formula import Dropped

READ = """\
library(lmerTest)  # brings lme4
library(emmeans)

arguments <- commandArgs(trailingOnly = TRUE)
own <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
here <- if (length(own)) dirname(gsub("~+~", " ", own, fixed = TRUE)) else "."
file <- if (length(arguments) > 0) arguments[1] else file.path(here, "..", "..", "ratings.csv")
folder <- if (length(arguments) > 1) arguments[2] else NULL

# Included ratings of the item, with every value that the model needs; texts as factors, their levels sorted by bytes.
ratings <- read.csv(file, na.strings = "", encoding = "UTF-8",
                    colClasses = setNames(rep("character", length(texts)), texts))
ratings <- ratings[ratings$included == "True" & ratings$item == item, ]
ratings <- ratings[complete.cases(ratings[used]), ]
for (name in intersect(texts, used))
  ratings[[name]] <- factor(ratings[[name]], levels = sort(unique(ratings[[name]]), method = "radix"))
ratings$source <- factor(ratings$source, levels = sources)
"""

SUM_CODED = """\
contrasts(ratings$domain) <- contr.sum(nlevels(ratings$domain))  # domains weigh equally
"""

SIGMA_MIXED = """\
ordering <- c("natural", "given", "AMD", "METIS", "NESDIS", "COLAMD", "postordered")[getME(fit, "L")@type[1] + 1]
if (ordering != tables_ordering)
  message("This start of R ordered the random effects otherwise than for the tables (", ordering, ", not ",
          tables_ordering, "; with Debian 12's packages that is chance), so later digits differ: start it again.")
components <- as.data.frame(VarCorr(fit), order = "lower.tri")
intercepts <- (components$var1 %in% "(Intercept)" & is.na(components$var2)) | components$grp == "Residual"
sigma_total <- sqrt(sum(components$vcov[intercepts]))
fixed <- as.data.frame(coef(summary(fit)))
fixed <- data.frame(term = rownames(fixed), estimate = fixed[["Estimate"]], std_error = fixed[["Std. Error"]],
                    df = fixed[["df"]], statistic = fixed[["t value"]], p_value = fixed[["Pr(>|t|)"]])
test_rows <- function(name, contrasts) {
  found <- contestMD(fit, contrasts@linfct)
  data.frame(test = name, statistic = found[["F value"]], df_num = found[["NumDF"]], df_den = found[["DenDF"]],
             p_value = found[["Pr(>F)"]])
}
"""

SIGMA_LINEAR = """\
ordering <- NA
components <- data.frame(grp = "Residual", vcov = sigma(fit)^2, sdcor = sigma(fit))
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
  data.frame(test = name, statistic = statistic, df_num = nrow(rows), df_den = df.residual(fit),
             p_value = pf(statistic, nrow(rows), df.residual(fit), lower.tail = FALSE))
}
"""

MEANS = """\

# Means and differences of sources; Satterthwaite df at any size (emmeans would go over to z past 3,000 rows).
emm_options(lmer.df = "satterthwaite", lmerTest.limit = nrow(ratings), pbkrtest.limit = nrow(ratings))
average <- function(means, domain) {
  found <- summary(means, infer = c(TRUE, FALSE))
  data.frame(source = found$source, domain = domain, estimate = found$emmean, std_error = found$SE, df = found$df,
             conf_low = found$lower.CL, conf_high = found$upper.CL)
}
compare <- function(means, domain) {
  differences <- contrast(means, "pairwise")
  plain <- summary(differences, infer = TRUE, adjust = "none")
  level_90 <- summary(differences, infer = c(TRUE, FALSE), level = 0.90, adjust = "none")
  bonferroni <- summary(differences, infer = c(TRUE, FALSE), adjust = "bonferroni")
  data.frame(contrast = combn(sources, 2, paste, collapse = " - "), by = domain, estimate = plain$estimate,
             std_error = plain$SE, df = plain$df, statistic = plain$t.ratio, p_value = plain$p.value,
             p_adjusted = summary(differences, adjust = adjust)$p.value,
             conf_low = plain$lower.CL, conf_high = plain$upper.CL,
             conf_low_90 = level_90$lower.CL, conf_high_90 = level_90$upper.CL,
             conf_low_adj = bonferroni$lower.CL, conf_high_adj = bonferroni$upper.CL,
             p_equivalence = test(differences, delta = sesoi * sigma_total, side = "equivalence",
                                  adjust = "none")$p.value,
             sesoi = sesoi * sigma_total, d = plain$estimate / sigma_total,
             percent_of_range = 100 * plain$estimate / scale_range)
}
overall <- emmeans(fit, "source", weights = "equal")
means <- average(overall, NA)
contrasts <- compare(overall, NA)
tests <- test_rows("source", contrast(overall, "pairwise"))
"""

DOMAIN = """\
tests <- rbind(tests, test_rows("domain", contrast(emmeans(fit, "domain", weights = "equal"), "pairwise")))
"""

CROSSED = """\
inside <- emmeans(fit, "source", by = "domain", weights = "equal")
domains <- levels(ratings$domain)
means <- rbind(means, average(inside, rep(domains, each = length(sources))))
contrasts <- rbind(contrasts, compare(inside, rep(domains, each = choose(length(sources), 2))))
cells <- emmeans(fit, c("source", "domain"))
tests <- rbind(tests, test_rows("source:domain", contrast(cells, interaction = c("pairwise", "eff"))))
"""

WRITE = """\

whole <- data.frame(n = nobs(fit), logLik = as.numeric(logLik(fit)), AIC = AIC(fit), BIC = BIC(fit),
                    sigma_total = sigma_total, ordering = ordering)
print(summary(fit))
results <- list(fit = whole, fixed = fixed, random = components, tests = tests, means = means, contrasts = contrasts)
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
    mixed: bool,
    control: str | None,
    ordering: str | None,
    used: Sequence[str],
    texts: Sequence[str],
    domain: bool,
    crossed: bool,
    dropped: Iterable[Dropped],
) -> str:
    """The script of one fit.

    formula: as fitted. mixed: whether it has random terms. control: lme4's, in R, where the first optimizer did not
    converge. ordering: CHOLMOD's of the random effects. used: the formula's columns. texts: those that are text.
    domain, crossed: whether the fixed part has domain, and its interaction with source. dropped: what was left out, and
    why.
    """
    lines = [
        f"# The model '{declared.model}' of {declared.study} as a plain R script: the numbers of the tables beside it.",
        "#     Rscript model.R [ratings.csv [folder for the tables]]",
        "# Without arguments it reads ../../ratings.csv, as seen from its own folder, and prints the tables.",
        f"# Declared: {declared.formula}",
        *(f"# Left out, {term.term}: {term.why}." for term in dropped),
        "",
        f"item <- {_r(declared.item)}",
        f"sources <- {_vector(declared.sources)}  # the first is the reference",
        f"used <- {_vector(used)}",
        f"texts <- {_vector(dict.fromkeys(['included', 'item', *texts]))}",
        f"sesoi <- {declared.sesoi!r}  # smallest effect size of interest, in total SDs",
        f"scale_range <- {declared.scale_range!r}",
        f"adjust <- {_r(declared.adjust)}",
        *([f"tables_ordering <- {_r(ordering)}  # CHOLMOD's, of the random effects"] if ordering else []),
        "",
    ]
    parts = ["\n".join(lines) + "\n", READ]
    parts += [SUM_CODED] if domain else []
    parts += ["\n", *_fit_lines(formula, declared.reml, mixed, control)]
    parts += [SIGMA_MIXED if mixed else SIGMA_LINEAR, MEANS]
    parts += [DOMAIN] if domain else []
    parts += [CROSSED] if crossed else []
    return "".join([*parts, WRITE])


def _fit_lines(formula: str, reml: bool, mixed: bool, control: str | None) -> list[str]:
    if not mixed:
        return [f"fit <- lm({formula}, data = ratings)\n"]
    lines = [f"fit <- lmer({formula},\n            data = ratings, REML = {str(reml).upper()})\n"]
    if control:
        lines.append(f"fit <- update(fit, control = {control})  # the first optimizer did not converge\n")
    return lines


def _vector(values: Iterable[str]) -> str:
    return f"c({', '.join(map(_r, values))})"


def _r(value: str) -> str:
    """A text as R source: its escapes are JSON's."""
    return json.dumps(value, ensure_ascii=False)
