# A model of sources, ages and sex by hand and without the package: the middle of each band is written out here.
# Rscript demographics.R ratings.csv raters.csv out.csv
suppressPackageStartupMessages(library(lmerTest))
arguments <- commandArgs(trailingOnly = TRUE)
d <- read.csv(arguments[1], stringsAsFactors = FALSE)
people <- read.csv(arguments[2], na.strings = "", stringsAsFactors = FALSE)
years <- c("below 18" = 12.5, "18-24" = 21, "25-34" = 29.5, "35-44" = 39.5, "65 or older" = 69.5)
people$years <- years[people$age]
people <- people[people$included == "True" & !is.na(people$age), ]
people$years <- people$years - mean(people$years)
d <- d[d$rater_id %in% people$rater_id & d$included == "True", ]
own <- match(d$rater_id, people$rater_id)
d$years <- people$years[own]
d$female <- ifelse(people$sex[own] == "Female", 1, -1)
d$source <- factor(d$source, c("human", "nf4", "fp32"))
found <- coef(summary(lmer(rating ~ source + years + female + (1 | rater_id), d)))
write.csv(data.frame(term = c("(Intercept)", "sourcenf4", "sourcefp32", "age", "sex1"), estimate = found[, "Estimate"],
                     std_error = found[, "Std. Error"], df = found[, "df"]), arguments[3], row.names = FALSE)
