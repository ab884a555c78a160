# Independent of the package: ICCs by R's analysis of variance, omega by factanal, alpha by its definition.
# Rscript reliability.R RATINGS.csv (response, rating) ITEMS.csv (one column an item)
arguments <- commandArgs(trailingOnly = TRUE)
ratings <- read.csv(arguments[1], colClasses = c("character", "numeric"))
table <- summary(aov(rating ~ factor(response), ratings))[[1]]
between <- table[1, "Mean Sq"]
within <- table[2, "Mean Sq"]
n <- table(ratings$response)
k <- (sum(n) - sum(n^2) / sum(n)) / (length(n) - 1)
items <- as.matrix(read.csv(arguments[2]))
fitted <- factanal(items, 1, control = list(opt = list(pgtol = 1e-10, factr = 10)))
spread <- apply(items, 2, sd)
common <- sum(fitted$loadings[, 1] * spread)^2
omega <- common / (common + sum(fitted$uniquenesses * spread^2))
m <- ncol(items)
alpha <- m / (m - 1) * (1 - sum(diag(cov(items))) / sum(cov(items)))
cat(sprintf("%.12f", c((between - within) / (between + (k - 1) * within), (between - within) / between, k, omega, alpha)), "\n")
