# A negative binomial mixed model of counts, by hand and without the package.
# Rscript counts.R counts.csv out.csv      (counts.csv: post_id, source, n_words, count)
suppressPackageStartupMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
d <- read.csv(arguments[1], stringsAsFactors = FALSE)
d <- d[d$n_words > 0, ]
d$source <- factor(d$source, c("human", "nf4", "fp32"))
m <- glmer.nb(count ~ source + offset(log(n_words)) + (1 | post_id), data = d,
              control = glmerControl("bobyqa", optCtrl = list(maxfun = 1e5)))
differences <- rbind("human - nf4" = c(0, -1, 0), "human - fp32" = c(0, 0, -1), "nf4 - fp32" = c(0, 1, -1))
estimate <- drop(differences %*% fixef(m))
std_error <- sqrt(diag(differences %*% as.matrix(vcov(m)) %*% t(differences)))
p_value <- 2 * pnorm(-abs(estimate / std_error))
out <- data.frame(contrast = rownames(differences), estimate, std_error, statistic = estimate / std_error, p_value,
                  p_adjusted = p.adjust(p_value, "BH"), conf_low = estimate - qnorm(.975) * std_error,
                  conf_high = estimate + qnorm(.975) * std_error, rate_ratio = exp(estimate),
                  theta = getME(m, "glmer.nb.theta"), std_dev_post = sqrt(unlist(VarCorr(m))[[1]]), n = nobs(m))
write.csv(out, arguments[2], row.names = FALSE)
