# lme4's larger example, as lme4 fits it: crossed students and lecturers. Rscript insteval.R out.csv
suppressPackageStartupMessages(library(lmerTest))
m <- lmer(y ~ service + (1 | s) + (1 | d), InstEval)
ml <- lmer(y ~ service + (1 | s) + (1 | d), InstEval, REML = FALSE)
numbers <- c(estimate = fixef(m), std_error = sqrt(diag(as.matrix(vcov(m)))), variance.s = VarCorr(m)$s[1, 1],
             variance.d = VarCorr(m)$d[1, 1], variance.Residual = sigma(m)^2, logLik = as.numeric(logLik(m)),
             logLik_ml = as.numeric(logLik(ml)), estimate_ml = fixef(ml), ordering = getME(m, "L")@type[1])
written <- sprintf("%.17g", numbers)
write.csv(data.frame(name = names(numbers), value = written), commandArgs(trailingOnly = TRUE)[1], row.names = FALSE)
