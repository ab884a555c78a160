# Models of other kinds than the deciding one, by hand and without the package.
# Rscript kinds.R ratings.csv kind out.csv
suppressPackageStartupMessages({library(lmerTest); library(ordinal)})
arguments <- commandArgs(trailingOnly = TRUE)
d <- read.csv(arguments[1], na.strings = "", stringsAsFactors = FALSE)
d$source <- factor(d$source, c("human", "nf4", "fp32"))
d$domain <- factor(d$domain, sort(unique(d$domain)))
d$rater_id <- factor(d$rater_id)
d$post_id <- factor(d$post_id)
contrasts(d$domain) <- contr.sum(nlevels(d$domain))
out <- list()
note <- function(name, value) out[[name]] <<- value
kind <- arguments[2]

if (kind == "ordinal") {
  d$rating <- factor(d$rating, ordered = TRUE)
  m <- clmm(rating ~ source + domain + (1 | rater_id) + (1 | post_id), data = d, link = "probit")
  b <- coef(m)
  V <- vcov(m)[names(b), names(b)]
  variances <- sapply(VarCorr(m), function(x) x[1, 1])
  residual <- 1
} else if (kind == "kenward_roger") {
  m <- lmer(rating ~ source + (1 | rater_id) + (1 | post_id), data = d)
  for (i in 2:3) {
    row <- -(seq_len(3) == i)
    found <- contest1D(m, row, ddf = "Kenward-Roger")
    note(paste("contrast human -", c("", "nf4", "fp32")[i], "estimate"), found$Estimate)
    note(paste("contrast human -", c("", "nf4", "fp32")[i], "std_error"), found[["Std. Error"]])
    note(paste("contrast human -", c("", "nf4", "fp32")[i], "df"), found$df)
  }
  joint <- anova(m, ddf = "Kenward-Roger")
  note("source statistic", joint[["F value"]]); note("source df_den", joint$DenDF); note("source p_value", joint[["Pr(>F)"]])
} else {
  if (kind == "binomial") d$rating <- as.numeric(d$rating > 4)
  link <- if (kind == "binomial") binomial("logit") else poisson("log")
  control <- glmerControl("bobyqa", optCtrl = list(maxfun = 1e5))
  m <- glmer(rating ~ source + (1 | rater_id), data = d, family = link, control = control)
  small <- glmer(rating ~ 1 + (1 | rater_id), data = d, family = link, control = control)
  b <- fixef(m)
  V <- as.matrix(vcov(m))
  variances <- sapply(VarCorr(m), function(x) x[1, 1])
  residual <- if (kind == "binomial") pi^2 / 3 else log(1 + 1 / mean(d$rating))
}

if (kind != "kenward_roger") {
  effect <- function(plus, minus) {
    row <- setNames(numeric(length(b)), names(b))
    if (plus != "human") row[paste0("source", plus)] <- 1
    if (minus != "human") row[paste0("source", minus)] <- -1
    name <- paste("contrast", plus, "-", minus)
    note(paste(name, "estimate"), sum(row * b))
    note(paste(name, "std_error"), sqrt(drop(row %*% V %*% row)))
    note(paste(name, "p_value"), 2 * pnorm(-abs(sum(row * b)) / sqrt(drop(row %*% V %*% row))))
  }
  effect("human", "nf4"); effect("human", "fp32"); effect("nf4", "fp32")
  s <- grep("^source", names(b))
  wald <- drop(b[s] %*% solve(V[s, s]) %*% b[s])
  note("source statistic", wald)
  note("source p_value", pchisq(wald, 2, lower.tail = FALSE))
  if (kind != "ordinal") {
    ratio <- 2 * (as.numeric(logLik(m)) - as.numeric(logLik(small)))
    note("ratio statistic", ratio)
    note("ratio p_value", pchisq(ratio, 2, lower.tail = FALSE))
  }
  note("logLik", as.numeric(logLik(m)))
  note("sigma_total", sqrt(sum(variances) + residual))
  for (g in names(variances)) note(paste("variance", g), variances[[g]])
  for (i in seq_along(b)) { note(paste("fixed", i, "estimate"), b[[i]]); note(paste("fixed", i, "std_error"), sqrt(V[i, i])) }
}
write.csv(data.frame(name = names(out), value = unlist(out)), arguments[3], row.names = FALSE)
