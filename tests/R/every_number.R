# Every number of a model's tables by hand and without the package: means, differences and tests are linear combinations
# of the coefficients that are written out here (no emmeans), intervals and equivalence come from t.
# Rscript every_number.R ratings.csv item model source1,source2,... scale_range folder [posts.csv]
arguments <- commandArgs(trailingOnly = TRUE)
model <- arguments[3]
sources <- strsplit(arguments[4], ",")[[1]]
scale_range <- as.numeric(arguments[5])
folder <- arguments[6]
suppressPackageStartupMessages({library(lmerTest); library(ordinal)})

d <- read.csv(arguments[1], na.strings = "", stringsAsFactors = FALSE, colClasses = c(rater_id = "character"))
d <- d[d$included == "True" & d$item == arguments[2], ]
sorted <- function(x) factor(x, sort(unique(x), method = "radix"))
d$source <- factor(d$source, sources)
for (name in c("rater_id", "post_id", "response_id")) d[[name]] <- sorted(d[[name]])
posts <- if (length(arguments) > 6) read.csv(arguments[7]) else d[order(d$post_id), ]
d$domain <- factor(d$domain, unique(posts$domain))
k <- nlevels(d$domain)
S <- length(sources)
if (k > 1) contrasts(d$domain) <- contr.sum(k)
bobyqa <- glmerControl("bobyqa", optCtrl = list(maxfun = 1e5))

# ---- The models, and those that likelihood-ratio tests set them against.
family <- "gaussian"
domains <- crossed <- FALSE
ratios <- list()
if (model == "deciding") {
  m <- lmer(rating ~ source * domain + (1 | rater_id) + (1 | post_id) + (1 | response_id) + (1 | rater_id:source), d)
  additive <- lmer(rating ~ source + domain + (1 | rater_id) + (1 | post_id) + (1 | response_id) + (1 | rater_id:source),
                   d, REML = FALSE)
  without <- lmer(rating ~ domain + (1 | rater_id) + (1 | post_id) + (1 | response_id) + (1 | rater_id:source),
                  d, REML = FALSE)
  domains <- crossed <- TRUE
} else if (model == "two_intercept") {
  m <- lmer(rating ~ source * domain + (1 | rater_id) + (1 | post_id), d)
  additive <- lmer(rating ~ source + domain + (1 | rater_id) + (1 | post_id), d, REML = FALSE)
  without <- lmer(rating ~ domain + (1 | rater_id) + (1 | post_id), d, REML = FALSE)
  domains <- crossed <- TRUE
} else if (model == "additive") {
  m <- lmer(rating ~ source + (1 | rater_id) + (1 | post_id), d)
  additive <- update(m, REML = FALSE)
  without <- lmer(rating ~ 1 + (1 | rater_id) + (1 | post_id), d, REML = FALSE)
} else if (model == "kenward_roger") {
  m <- lmer(rating ~ source + (1 | rater_id) + (1 | post_id), d)
  additive <- update(m, REML = FALSE)
  without <- lmer(rating ~ 1 + (1 | rater_id) + (1 | post_id), d, REML = FALSE)
} else if (model == "ordinal") {
  family <- "ordinal"
  domains <- TRUE
  d$rating <- factor(d$rating, ordered = TRUE)
  m <- clmm(rating ~ source + domain + (1 | rater_id) + (1 | post_id) + (1 | response_id) + (1 | rater_id:source),
            data = d, link = "probit")
} else if (model == "small_ordinal") {
  family <- "ordinal"
  domains <- TRUE
  d$rating <- factor(d$rating, ordered = TRUE)
  m <- clmm(rating ~ source + domain + (1 | rater_id) + (1 | post_id), data = d, link = "probit")
} else if (model == "binomial") {
  family <- "binomial"
  m <- additive <- glmer(rating ~ source + (1 | rater_id), d, binomial("logit"), bobyqa)
  without <- glmer(rating ~ 1 + (1 | rater_id), d, binomial("logit"), bobyqa)
} else if (model == "poisson") {
  family <- "poisson"
  m <- additive <- glmer(rating ~ source + (1 | rater_id), d, poisson("log"), bobyqa)
  without <- glmer(rating ~ 1 + (1 | rater_id), d, poisson("log"), bobyqa)
} else stop("no such model: ", model)
if (family != "ordinal") ratios <- list(source = list(additive, without))
if (crossed) ratios <- c(list("source:domain" = list(update(m, REML = FALSE), additive)), ratios)
ddf <- if (model == "kenward_roger") "Kenward-Roger" else "Satterthwaite"

# ---- A combination of coefficients: its estimate, standard error and df; several at once: an omnibus test.
b <- if (family == "ordinal") coef(m) else fixef(m)
V <- as.matrix(vcov(m))[seq_along(b), seq_along(b)]
single <- function(row) {
  if (family == "gaussian") {
    found <- contest1D(m, row, ddf = ddf)
    c(estimate = found$Estimate, std_error = found[["Std. Error"]], df = found$df)
  } else c(estimate = sum(row * b), std_error = sqrt(drop(row %*% V %*% row)), df = Inf)
}
joint <- function(rows) {
  if (family == "gaussian") {
    found <- contestMD(m, rows, ddf = ddf)
    return(data.frame(method = "F", statistic = found[["F value"]], df_num = found$NumDF, df_den = found$DenDF,
                      p_value = found[["Pr(>F)"]]))
  }
  free <- qr(t(rows))
  rows <- rows[free$pivot[seq_len(free$rank)], , drop = FALSE]
  statistic <- drop(t(rows %*% b) %*% solve(rows %*% V %*% t(rows), rows %*% b))
  data.frame(method = "Wald", statistic = statistic, df_num = nrow(rows), df_den = NA,
             p_value = pchisq(statistic, nrow(rows), lower.tail = FALSE))
}
tested <- function(rows) {
  found <- as.data.frame(t(apply(rows, 1, single)))
  half <- function(level) found$std_error * qt((1 + level) / 2, found$df)
  found$statistic <- found$estimate / found$std_error
  found$p_value <- 2 * pt(-abs(found$statistic), found$df)
  found$conf_low <- found$estimate - half(.95)
  found$conf_high <- found$estimate + half(.95)
  found$conf_low_90 <- found$estimate - half(.90)
  found$conf_high_90 <- found$estimate + half(.90)
  found
}
equivalence <- function(found, delta)
  pmax(pt((found$estimate - delta) / found$std_error, found$df),
       pt((found$estimate + delta) / found$std_error, found$df, lower.tail = FALSE))

# ---- What a cell of source by domain is in terms of the coefficients, and what is asked of the cells.
sum_code <- if (domains) contr.sum(k) else matrix(0, 1, 0)
thresholds <- if (family == "ordinal") nlevels(d$rating) - 1 else 0
start <- if (family == "ordinal") rep(-1 / thresholds, thresholds) else 1
cell <- function(s, j) {
  of_source <- as.numeric(sources[-1] == s)
  of_domain <- sum_code[j, ]
  c(start, of_source, of_domain, if (crossed) as.vector(outer(of_source, of_domain)))
}
average <- function(s) rowMeans(sapply(seq_len(nrow(sum_code)), function(j) cell(s, j)))
pairs <- combn(sources, 2)
named <- apply(pairs, 2, paste, collapse = " - ")
overall <- t(apply(pairs, 2, function(p) average(p[1]) - average(p[2])))
places <- if (crossed) levels(d$domain)
inside <- do.call(rbind, lapply(seq_along(places), function(j)
  t(apply(pairs, 2, function(p) cell(p[1], j) - cell(p[2], j)))))
apart <- if (crossed) inside - overall[rep(seq_along(named), k), ]

# ---- Total SD, shares of variance.
if (family == "ordinal") {
  groups <- names(VarCorr(m))
  random <- data.frame(group = groups, variance = sapply(groups, function(g) VarCorr(m)[[g]][1, 1]),
                       n_levels = sapply(groups, function(g) nrow(ranef(m)[[g]])))
} else {
  groups <- names(VarCorr(m))
  random <- data.frame(group = groups, variance = sapply(groups, function(g) VarCorr(m)[[g]][1, 1]),
                       n_levels = sapply(groups, function(g) ngrps(m)[[g]]))
}
residual <- switch(family, gaussian = sigma(m)^2, ordinal = 1, binomial = pi^2 / 3, poisson = log(1 + 1 / mean(d$rating)))
grouped <- sum(random$variance)
total <- sqrt(grouped + residual)
if (family == "gaussian") random <- rbind(random, data.frame(group = "Residual", variance = residual, n_levels = NA))
random$std_dev <- sqrt(random$variance)
if (family == "gaussian") {
  shares <- performance::r2_nakagawa(m)
  shares <- list(marginal = shares$R2_marginal, conditional = shares$R2_conditional, icc = performance::icc(m)$ICC_adjusted)
} else {
  X <- t(mapply(cell, as.character(d$source), if (domains) as.integer(d$domain) else 1))
  explained <- var(drop(X %*% b))
  whole <- explained + grouped + residual
  shares <- list(marginal = explained / whole, conditional = (explained + grouped) / whole,
                 icc = grouped / (grouped + residual))
}

# ---- The tables.
fixed <- cbind(term = seq_along(b), tested(diag(length(b))))
fixed$conf_low_90 <- fixed$conf_high_90 <- NULL
asked <- rbind(t(sapply(sources, average)),
               do.call(rbind, lapply(seq_along(places), function(j) t(sapply(sources, function(s) cell(s, j))))))
means <- tested(asked)[c("estimate", "std_error", "df", "conf_low", "conf_high")]
means <- cbind(source = rep(sources, 1 + length(places)), domain = rep(c("", places), each = S), means)
if (family == "ordinal") {
  # The mean answer of a probit: over normal intercepts of SD tau a step is passed with chance pnorm(gap / spread).
  points <- as.numeric(levels(d$rating))
  tau <- sapply(m$ST, function(one) one[1, 1])
  spread <- sqrt(1 + sum(tau^2))
  cuts <- seq_len(thresholds)
  expected <- function(s, j) {
    at <- cell(s, j)[-cuts]
    gap <- sum(at * b[-cuts]) - b[cuts]
    slope <- diff(points) * dnorm(gap / spread) / spread
    of_tau <- -sum(slope * gap) * tau / spread^2 * (if (length(tau) == 1) tau else 1)  # of one alone the logarithm varies
    c(points[1] + sum(diff(points) * pnorm(gap / spread)), -slope, sum(slope) * at, of_tau)
  }
  found <- sapply(sources, function(s) rowMeans(sapply(seq_len(nrow(sum_code)), function(j) expected(s, j))))
  means$expected <- found[1, ]
  means$expected_std_error <- apply(found[-1, ], 2, function(g) sqrt(drop(g %*% vcov(m) %*% g)))
  means$expected_conf_low <- means$expected - qnorm(.975) * means$expected_std_error
  means$expected_conf_high <- means$expected + qnorm(.975) * means$expected_std_error
}
compared <- tested(rbind(overall, inside))
compared <- cbind(contrast = rep(named, 1 + length(places)), by = rep(c("", places), each = length(named)), compared)
size <- length(named)
compared$p_adjusted <- ave(compared$p_value, compared$by, FUN = function(p) p.adjust(p, "holm"))
compared$conf_low_adj <- compared$estimate - compared$std_error * qt(1 - .025 / size, compared$df)
compared$conf_high_adj <- compared$estimate + compared$std_error * qt(1 - .025 / size, compared$df)
compared$p_equivalence <- equivalence(compared, .2 * total)
compared$sesoi <- .2 * total
compared$d <- compared$estimate / total
compared$percent_of_range <- if (family == "gaussian") compared$estimate / scale_range * 100 else NA
compared$family_size <- size
tests <- cbind(test = "source", joint(overall))
if (domains) {
  of_domain <- if (crossed) sapply(seq_len(k), function(j) rowMeans(sapply(sources, function(s) cell(s, j))))
    else sapply(seq_len(k), function(j) cell(sources[1], j))
  tests <- rbind(tests, cbind(test = "domain", joint(t(combn(k, 2, function(p) of_domain[, p[1]] - of_domain[, p[2]])))))
}
if (crossed) tests <- rbind(tests, cbind(test = "source:domain", joint(apart)))
for (test in names(ratios)) {
  found <- as.data.frame(anova(ratios[[test]][[2]], ratios[[test]][[1]], refit = FALSE))
  tests <- rbind(tests, data.frame(test = test, method = "likelihood ratio", statistic = found$Chisq[2],
                                   df_num = found$Df[2], df_den = NA, p_value = found[["Pr(>Chisq)"]][2]))
}
sets <- NULL
for (n in 2:S) if (model != "kenward_roger" || n == S) for (set in combn(S, n, simplify = FALSE)) {
  within <- apply(pairs, 2, function(p) all(p %in% sources[set]))
  one <- cbind(test = "source", sources = paste(sources[set], collapse = ", "), joint(overall[within, , drop = FALSE]))
  if (crossed) one <- rbind(one, cbind(test = "source:domain", sources = one$sources[1],
                                       joint(apart[rep(within, k), , drop = FALSE])))
  sets <- rbind(sets, one)
}
interactions <- data.frame()
if (crossed) {
  interactions <- cbind(contrast = rep(named, k), by = rep(places, each = size), tested(apart))
  interactions$p_equivalence <- equivalence(interactions, .3 * total)
  interactions$sesoi <- .3 * total
}
if (family == "ordinal") {
  modes <- do.call(rbind, lapply(groups, function(g) data.frame(
    group = g, level = rownames(ranef(m)[[g]]), estimate = ranef(m)[[g]][, 1], std_error = sqrt(condVar(m)[[g]][, 1]))))
  residuals <- data.frame()
} else {
  found <- ranef(m, condVar = TRUE)
  modes <- do.call(rbind, lapply(groups, function(g) data.frame(
    group = g, level = rownames(found[[g]]), estimate = found[[g]][, 1],
    std_error = sqrt(attr(found[[g]], "postVar")[1, 1, ]))))
  residuals <- data.frame(row = seq_len(nrow(d)), fitted = fitted(m), residual = residuals(m))
  residuals$normal_quantile <- qnorm((rank(residuals$residual, ties.method = "first") - .5) / nrow(d))
}
fit <- data.frame(n = nobs(m), logLik = as.numeric(logLik(m)), AIC = AIC(m), BIC = BIC(m), r2_marginal = shares$marginal,
                  r2_conditional = shares$conditional, icc = shares$icc, sigma_total = total, sesoi = .2 * total,
                  sesoi_interaction = .3 * total,
                  ordering = if (family == "ordinal") NA else getME(m, "L")@type[1])
results <- list(fixed = fixed, random = random, tests = tests, sets = sets, means = means, contrasts = compared,
                interactions = interactions, random_effects = modes, residuals = residuals, fit = fit)
for (name in names(results)) {
  numbers <- vapply(results[[name]], is.numeric, TRUE)
  results[[name]][numbers] <- lapply(results[[name]][numbers], function(x) sprintf("%.17g", x))
  write.csv(results[[name]], file.path(folder, paste0(name, ".csv")), row.names = FALSE)
}
