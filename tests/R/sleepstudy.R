# lme4's own example, as lme4 fits it. Rscript sleepstudy.R out.csv
suppressPackageStartupMessages(library(lmerTest))
m <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
co <- coef(summary(m))
v <- VarCorr(m)$Subject
numbers <- c(estimate = co[, 1], std_error = co[, 2], df = co[, 3], variance = diag(v), covariance = v[1, 2],
             residual = sigma(m)^2, logLik = as.numeric(logLik(m)), aic = AIC(m), bic = BIC(m),
             ordering = getME(m, "L")@type[1])
write.csv(data.frame(name = names(numbers), value = numbers), commandArgs(trailingOnly = TRUE)[1], row.names = FALSE)
write.csv(sleepstudy, sub("[.]csv$", "_data.csv", commandArgs(trailingOnly = TRUE)[1]), row.names = FALSE)
