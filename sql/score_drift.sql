-- Do the scores move as a whole? Mean, median and share of NULLs of each score by date, and how far the mean moved.
-- Reads: score_distribution_by_date.
select score, as_of_date, customers, round(nulls / customers, 3) as share_of_nulls, round(mean, 4) as mean,
       round(mean - lag(mean) over (partition by score order by as_of_date), 4) as moved_by,
       round(deciles[4], 4) as median
from score_distribution_by_date
order by score, as_of_date
