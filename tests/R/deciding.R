# The deciding model of a study with texts crossed with domains, by hand: lmerTest and linear combinations written out,
# without emmeans and without the package. Rscript deciding.R ratings.csv source1,source2,... out.csv
arguments <- commandArgs(trailingOnly = TRUE)
sources <- strsplit(arguments[2], ",")[[1]]
suppressPackageStartupMessages(library(lmerTest))

d <- read.csv(arguments[1], na.strings = "", stringsAsFactors = FALSE)
d <- subset(d, included == "True" & item == "empathy")
d$source <- factor(d$source, sources)
d$domain <- factor(d$domain, sort(unique(d$domain)))
d$rater_id <- factor(d$rater_id)
d$post_id <- factor(d$post_id)
d$response_id <- factor(d$response_id)
k <- nlevels(d$domain)
contrasts(d$domain) <- contr.sum(k)

m <- lmer(rating ~ source + domain + source:domain + (1 | rater_id) + (1 | post_id) + (1 | response_id) +
            (1 | rater_id:source), data = d)

# What a cell of source by domain is, in terms of the coefficients.
sum_code <- contr.sum(k)
cell <- function(s, j) {
  of_source <- as.numeric(sources[-1] == s)
  of_domain <- sum_code[j, ]
  c(1, of_source, of_domain, as.vector(outer(of_source, of_domain)))
}
average <- function(s) rowMeans(sapply(seq_len(k), function(j) cell(s, j)))
out <- list()
note <- function(name, value) out[[name]] <<- value
estimate <- function(name, row) {
  found <- contest1D(m, row)
  note(paste0(name, " estimate"), found$Estimate)
  note(paste0(name, " std_error"), found[["Std. Error"]])
  note(paste0(name, " df"), found$df)
  note(paste0(name, " p_value"), found[["Pr(>|t|)"]])
}
joint <- function(name, rows) {
  found <- contestMD(m, rows)
  note(paste0(name, " statistic"), found[["F value"]])
  note(paste0(name, " df_num"), found$NumDF)
  note(paste0(name, " df_den"), found$DenDF)
  note(paste0(name, " p_value"), found[["Pr(>F)"]])
}

pairs <- combn(sources, 2)
overall <- apply(pairs, 2, function(p) average(p[1]) - average(p[2]))
for (s in sources) estimate(paste("mean", s, ""), average(s))
for (i in seq_len(ncol(pairs))) estimate(paste("contrast", paste(pairs[, i], collapse = " - "), ""), overall[, i])
deviations <- NULL
for (j in seq_len(k)) {
  where <- levels(d$domain)[j]
  for (s in sources) estimate(paste("mean", s, where), cell(s, j))
  for (i in seq_len(ncol(pairs))) {
    row <- cell(pairs[1, i], j) - cell(pairs[2, i], j)
    estimate(paste("contrast", paste(pairs[, i], collapse = " - "), where), row)
    deviations <- rbind(deviations, row - overall[, i])
  }
}
across <- sapply(seq_len(k), function(j) rowMeans(sapply(sources, function(s) cell(s, j))))
of_domains <- combn(k, 2)
joint("source", t(overall))
joint("domain", t(apply(of_domains, 2, function(p) across[, p[1]] - across[, p[2]])))
joint("source:domain", deviations)

co <- coef(summary(m))
for (i in seq_len(nrow(co))) {
  note(paste("fixed", i, "estimate"), co[i, 1])
  note(paste("fixed", i, "std_error"), co[i, 2])
  note(paste("fixed", i, "df"), co[i, 3])
  note(paste("fixed", i, "p_value"), co[i, 5])
}
for (g in names(VarCorr(m))) note(paste("variance", g), VarCorr(m)[[g]][1, 1])
note("variance Residual", sigma(m)^2)
note("logLik", as.numeric(logLik(m)))
note("AIC", AIC(m))
note("BIC", BIC(m))
note("n", nobs(m))
r2 <- performance::r2_nakagawa(m)
note("r2_marginal", unname(r2$R2_marginal))
note("r2_conditional", unname(r2$R2_conditional))
note("icc", performance::icc(m)$ICC_adjusted)
note("ordering", getME(m, "L")@type[1])
write.csv(data.frame(name = names(out), value = unlist(out)), arguments[3], row.names = FALSE)
