"""The R side of empathic.mixed: small functions of one purpose each, for models of all families.

A model is of class lmerModLmerTest, glmerMod or clmm; without a random term of class lm, glm or clm.
"""

SOURCE = r"""
take_apart <- function(text) {
  formula <- stats::as.formula(text, env = globalenv())
  if (length(formula) != 3) stop("it has no left side")
  fixed <- lme4::nobars(formula)
  bars <- lme4::findbars(formula)
  described <- stats::terms(fixed)
  labels <- attr(described, "term.labels")
  list(response = all.vars(formula[[2]]), variables = all.vars(formula), fixed = deparse1(fixed), labels = labels,
       columns = lapply(labels, function(label) all.vars(str2lang(label))), intercept = attr(described, "intercept"),
       bars = vapply(bars, deparse1, ""), groupings = lapply(bars, function(bar) all.vars(bar[[3]])))
}

code_factors <- function(data, sum_coded, reference) {
  for (column in sum_coded) contrasts(data[[column]]) <- stats::contr.sum(nlevels(data[[column]]))
  for (column in names(reference)) {
    levels <- levels(data[[column]])
    contrasts(data[[column]]) <- stats::contr.treatment(levels, base = match(reference[[column]], levels))
  }
  data
}

design <- function(fixed, data) {
  matrix <- stats::model.matrix(stats::as.formula(fixed), data)
  decomposed <- qr(matrix)
  list(matrix = matrix, aliased = colnames(matrix)[decomposed$pivot[seq_len(ncol(matrix)) > decomposed$rank]])
}

listen <- function(run) {
  heard <- character()
  hear <- function(what, restart) function(condition) {
    text <- trimws(conditionMessage(condition))
    heard <<- c(heard, text)
    cat(what, ": ", text, "\n", sep = "")
    invokeRestart(restart)
  }
  value <- withCallingHandlers(run(), warning = hear("R's warning", "muffleWarning"),
                               message = hear("R's message", "muffleMessage"))
  list(value = value, heard = heard)
}

listened <- function(run, ...) listen(function() run(...))

fit <- function(text, data, family, link, reml, control, with_df) {
  # The call holds the formula itself and finds `data` in the formula's environment, where emmeans looks for it.
  home <- list2env(list(data = data), parent = globalenv())
  formula <- stats::as.formula(text, env = home)
  plain <- length(lme4::findbars(formula)) == 0
  call <- if (family == "gaussian" && plain) bquote(stats::lm(.(formula), data = data))
    else if (family == "gaussian")
      bquote(.(if (with_df) quote(lmerTest::lmer) else quote(lme4::lmer))(
        .(formula), data = data, REML = .(reml), control = .(str2lang(control))))
    else if (family == "ordinal" && plain) bquote(ordinal::clm(.(formula), data = data, link = .(link)))
    else if (family == "ordinal")
      bquote(ordinal::clmm(.(formula), data = data, link = .(link), control = .(str2lang(control))))
    else if (family == "negative_binomial" && !plain)
      bquote(lme4::glmer.nb(.(formula), data = data, control = .(str2lang(control))))
    else if (plain) bquote(stats::glm(.(formula), data = data, family = .(as.name(family))(.(link))))
    else bquote(lme4::glmer(.(formula), data = data, family = .(as.name(family))(.(link)),
                            control = .(str2lang(control))))
  listen(function() eval(call, home))
}

# The theta of a negative binomial model: the variance of a count is its mean + mean^2 / theta.
theta <- function(model) lme4::getME(model, "glmer.nb.theta")

is_mixed <- function(model) inherits(model, c("merMod", "clmm"))

beta <- function(model) if (inherits(model, "merMod")) lme4::fixef(model) else stats::coef(model)

covariance <- function(model) {
  used <- seq_along(beta(model))
  as.matrix(stats::vcov(model))[used, used, drop = FALSE]
}

convergence <- function(model) {
  relative <- function(hessian, gradient) tryCatch(max(abs(solve(hessian, gradient))), error = function(e) NA_real_)
  if (inherits(model, "clmm"))
    return(list(code = as.numeric(model$optRes$convergence), gradient = relative(model$Hessian, model$gradient),
                singular = any(variances(model)$deviation < 1e-4), ordering = NA_character_,
                log_likelihood = as.numeric(stats::logLik(model)), fixed = beta(model)))
  derivatives <- model@optinfo$derivs
  list(code = as.numeric(model@optinfo$conv$opt)[1], gradient = relative(derivatives$Hessian, derivatives$gradient),
       singular = lme4::isSingular(model), log_likelihood = as.numeric(stats::logLik(model)),
       fixed = lme4::fixef(model), ordering = ordering(model))
}

ordering <- function(model) {
  names <- c("natural", "given", "AMD", "METIS", "NESDIS", "COLAMD", "postordered")
  names[lme4::getME(model, "L")@type[1] + 1]
}

fixed_effects <- function(model, df) {
  if (inherits(model, "lmerModLmerTest") && df != "asymptotic") {
    table <- coef(summary(model, ddf = if (df == "satterthwaite") "Satterthwaite" else "Kenward-Roger"))
    return(list(term = rownames(table), estimate = table[, "Estimate"], std_error = table[, "Std. Error"],
                df = table[, "df"]))
  }
  found <- beta(model)
  list(term = names(found), estimate = found, std_error = sqrt(diag(covariance(model))),
       df = rep(if (inherits(model, "lm") && !inherits(model, "glm")) stats::df.residual(model) else Inf,
                length(found)))
}

# Standard deviations of a clmm's random terms, as `components` has them.
variances <- function(model) {
  parts <- lapply(names(lme4::VarCorr(model)), function(group) {
    matrix <- lme4::VarCorr(model)[[group]]
    deviations <- attr(matrix, "stddev")
    data.frame(group = group, term = colnames(matrix), deviation = unname(deviations))
  })
  do.call(rbind, parts)
}

components <- function(model) {
  if (!is_mixed(model)) {
    if (!inherits(model, "lm") || inherits(model, "glm"))
      return(list(group = character(), term = character(), term2 = character(), variance = numeric(),
                  deviation = numeric(), n_levels = numeric()))
    return(list(group = "Residual", term = NA_character_, term2 = NA_character_, variance = stats::sigma(model)^2,
                deviation = stats::sigma(model), n_levels = NA_real_))
  }
  if (inherits(model, "clmm")) {
    found <- list()
    for (group in names(lme4::VarCorr(model))) {
      matrix <- lme4::VarCorr(model)[[group]]
      deviations <- attr(matrix, "stddev")
      for (i in seq_len(nrow(matrix))) for (j in seq_len(i)) found[[length(found) + 1]] <- data.frame(
        group = group, term = colnames(matrix)[j], term2 = if (i == j) NA_character_ else colnames(matrix)[i],
        variance = matrix[i, j], deviation = if (i == j) deviations[i] else matrix[i, j] / prod(deviations[c(i, j)]),
        n_levels = unname(as.numeric(model$dims$nlev.gf[group])))
    }
    return(as.list(do.call(rbind, found)))
  }
  table <- as.data.frame(lme4::VarCorr(model), order = "lower.tri")
  levels <- lme4::ngrps(model)
  # Where `||` gives one grouping several terms, lme4 numbers them: Subject, Subject.1.
  named <- ifelse(table$grp %in% names(levels), table$grp, sub("\\.[0-9]+$", "", table$grp))
  list(group = table$grp, term = as.character(table$var1), term2 = as.character(table$var2),
       variance = table$vcov, deviation = table$sdcor,
       n_levels = as.numeric(levels[named]))
}

# The variance that the ratings have beside the random terms, on the scale of the link: of an ordinal or a binomial
# model that of the latent distribution, of a Poisson one log(1 + 1/mean) (Nakagawa, Johnson and Schielzeth 2017).
variance_residual <- function(model, family, link, data) {
  if (family == "gaussian") return(stats::sigma(model)^2)
  if (family == "poisson") return(log1p(1 / mean(stats::model.response(stats::model.frame(model)))))
  c(logit = pi^2 / 3, probit = 1)[[link]]
}

variance_random <- function(model) {
  if (inherits(model, "merMod"))
    return((if (inherits(model, "glmerMod")) 1 else stats::sigma(model)^2) *
      mean(Matrix::colSums((lme4::getME(model, "Lambdat") %*% lme4::getME(model, "Zt"))^2)))
  if (!inherits(model, "clmm")) return(0)
  # Over the ratings, the mean of z' V z.
  sum(vapply(lme4::findbars(model$formula), function(bar) {
    columns <- stats::model.matrix(stats::as.formula(call("~", bar[[2]])), model$model)
    group <- lme4::VarCorr(model)[[deparse1(bar[[3]])]]
    mean(rowSums((columns %*% group[colnames(columns), colnames(columns)]) * columns))
  }, 0))
}

summaries <- function(model, data, fixed, family, link) {
  matrix <- stats::model.matrix(stats::as.formula(fixed), data)
  found <- beta(model)
  matrix <- matrix[, intersect(colnames(matrix), names(found)), drop = FALSE]
  list(n = stats::nobs(model), log_likelihood = as.numeric(stats::logLik(model)), aic = stats::AIC(model),
       bic = stats::BIC(model),
       variance_fixed = stats::var(drop(matrix %*% found[colnames(matrix)])),
       variance_random = variance_random(model), variance_residual = variance_residual(model, family, link, data))
}

likelihood <- function(model) {
  found <- stats::logLik(model)
  list(log_likelihood = as.numeric(found), parameters = attr(found, "df"))
}

grid_of <- function(model, data, target, by, df) {
  # Past its row limits (3,000) emmeans would go over to z without a word. That means over an interaction may mislead is
  # known: domains weigh equally by declaration.
  emmeans::emm_options(msg.interaction = FALSE)
  if (inherits(model, "lmerModLmerTest"))
    emmeans::emmeans(model, target, by = by, data = data, weights = "equal", lmer.df = df,
                     lmerTest.limit = nrow(data), pbkrtest.limit = nrow(data))
  else emmeans::emmeans(model, target, by = by, data = data, weights = "equal")
}

pair_rows <- function(model, data, target, by)
  emmeans::contrast(grid_of(model, data, target, by, "asymptotic"), "pairwise", adjust = "none")@linfct

numbers_of <- function(grid) {
  table <- summary(grid, infer = FALSE)
  list(estimate = table[[attr(table, "estName")]], std_error = table$SE, df = table$df, rows = grid@linfct)
}

marginal <- function(model, data, target, by, df) {
  means <- grid_of(model, data, target, by, df)
  list(means = numbers_of(means), pairs = numbers_of(emmeans::contrast(means, "pairwise", adjust = "none")))
}

cell_rows <- function(model, data, target, by) grid_of(model, data, target, by, "asymptotic")@linfct

# An ordinal model's parameters; ordinal fits a single random intercept by the logarithm of its SD.
latent <- function(model) {
  random <- if (inherits(model, "clmm")) lme4::VarCorr(model) else list()
  covariance <- stats::vcov(model)
  parameters <- c(names(model$alpha), names(model$beta), if (length(random)) paste0("ST", seq_along(random)))
  list(thresholds = unname(model$alpha), effects = unname(model$beta),
       deviations = vapply(random, function(group) attr(group, "stddev")[[1]], 0),
       intercepts = all(vapply(random, function(group) identical(colnames(group), "(Intercept)"), NA)),
       covariance = unname(covariance), varying = parameters %in% rownames(covariance), logged = length(random) == 1)
}

deviations <- function(model, data, target, by, df) {
  # (A pair's difference at a level of `by`) - (its mean over the levels), for every pair at each level in turn.
  cells <- grid_of(model, data, c(target, by), NULL, df)
  pairs <- utils::combn(nlevels(data[[target]]), 2)
  places <- nlevels(data[[by]])
  weights <- list()
  for (place in seq_len(places)) for (pair in seq_len(ncol(pairs))) {
    row <- matrix(0, nlevels(data[[target]]), places)
    row[pairs[, pair], ] <- c(1, -1) * -1 / places
    row[pairs[, pair], place] <- row[pairs[, pair], place] + c(1, -1)
    weights[[length(weights) + 1]] <- as.vector(row)
  }
  names(weights) <- seq_along(weights)
  numbers_of(emmeans::contrast(cells, weights, adjust = "none"))
}

joint_test <- function(model, rows, df) {
  if (inherits(model, "lmerModLmerTest") && df != "asymptotic") {
    table <- lmerTest::contestMD(model, rows, ddf = if (df == "satterthwaite") "Satterthwaite" else "Kenward-Roger")
    return(list(statistic = table[["F value"]], df_num = table$NumDF, df_den = table$DenDF,
                p_value = table[["Pr(>F)"]]))
  }
  estimates <- drop(rows %*% beta(model))
  axes <- eigen(rows %*% covariance(model) %*% t(rows), symmetric = TRUE)
  used <- axes$values > max(axes$values) * sqrt(.Machine$double.eps)
  chi_squared <- sum(crossprod(axes$vectors[, used, drop = FALSE], estimates)^2 / axes$values[used])
  if (!inherits(model, "lm") || inherits(model, "glm"))
    return(list(statistic = chi_squared, df_num = sum(used), df_den = NA_real_,
                p_value = stats::pchisq(chi_squared, sum(used), lower.tail = FALSE)))
  list(statistic = chi_squared / sum(used), df_num = sum(used), df_den = stats::df.residual(model),
       p_value = stats::pf(chi_squared / sum(used), sum(used), stats::df.residual(model), lower.tail = FALSE))
}

residuals_of <- function(model) {
  # Of an ordinal model there are none.
  if (inherits(model, c("clmm", "clm"))) return(list(fitted = numeric(), residual = numeric()))
  list(fitted = unname(stats::fitted(model)), residual = unname(stats::residuals(model)))
}

random_effects <- function(model) {
  nothing <- list(group = character(), level = character(), term = character(), estimate = numeric(),
                  std_error = numeric())
  if (!is_mixed(model)) return(nothing)
  if (inherits(model, "merMod")) {
    table <- as.data.frame(lme4::ranef(model, condVar = TRUE))
    return(list(group = as.character(table$grpvar), level = as.character(table$grp), term = as.character(table$term),
                estimate = table$condval, std_error = table$condsd))
  }
  found <- ordinal::ranef(model)
  spread <- ordinal::condVar(model)
  parts <- lapply(names(found), function(group) data.frame(
    group = group, level = rep(rownames(found[[group]]), ncol(found[[group]])),
    term = rep(colnames(found[[group]]), each = nrow(found[[group]])), estimate = unlist(found[[group]]),
    std_error = sqrt(unlist(spread[[group]]))))
  as.list(do.call(rbind, parts))
}

versions <- function(packages) {
  installed <- c(packages, "Matrix")
  c(R = as.character(getRversion()), setNames(vapply(installed, function(name)
    as.character(utils::packageVersion(name)), ""), installed), BLAS = as.character(extSoftVersion()["BLAS"]))
}
"""
