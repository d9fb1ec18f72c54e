# charts: gnuplot -e "medians='FILE'; hgrm='DIR'; charts='DIR'" charts.gp
#
# medians has lines "row who metric median least greatest" (slotd-bench medians); hgrm the .hgrm files of the open loops.

set terminal svg size 760,440 dynamic background rgb 'white' font 'sans-serif,13'
set style line 1 lc rgb '#0b6e4f' lw 2.5 pt 7 ps 0.7
set style line 2 lc rgb '#c1121f' lw 2 pt 5 ps 0.7
set style line 3 lc rgb '#f4a259' lw 2 pt 9 ps 0.8
set style line 4 lc rgb '#3a6ea5' lw 2 pt 11 ps 0.8
set grid ytics lc rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top Left reverse

# Rows book-<clients>x1 or book-50x<depth> of one server: x, median, least, greatest.
clients(who) = sprintf("< awk '$2==\"%s\" && $3==\"rate\" && $1 ~ /^book-[0-9]+x1$/ {x=$1; gsub(/book-|x1$/,\"\",x); print x,$4,$5,$6}' %s | sort -n", who, medians)
depths(who) = sprintf("< awk '$2==\"%s\" && $3==\"rate\" && $1 ~ /^book-50x/ {x=$1; sub(/book-50x/,\"\",x); print x,$4,$5,$6}' %s | sort -n", who, medians)
figure(metric) = sprintf("< awk '$3==\"%s\" && $1 ~ /^race-/ {x=$1; sub(/race-/,\"\",x); print x,$4/1000,$5/1000,$6/1000}' %s | sort -n", metric, medians)
percentiles(who) = sprintf("< awk '$1+0>0 && NF==4 {print $4,$1}' %s/%s.hgrm 2>/dev/null", hgrm, who)
# A peer that was skipped has no lines: it is left out.
has(command) = strlen(system(substr(command, 3, strlen(command)) . " | head -n 1")) > 0
names = "slotd redis-always redis-none postgres"
title_of(i) = i == 1 ? "slotd (durable)" : i == 2 ? "Redis, appendfsync always" : i == 3 ? "Redis, no persistence" : "PostgreSQL"

set logscale xy
set format y '%.0s%c'
set ylabel 'claims a second'

set output charts.'/clients.svg'
set title 'Claims a second by clients, unpipelined'
set xlabel 'clients'
set xrange [0.8:250]
set xtics (1, 10, 50, 200)
plot for [i=1:4] (has(clients(word(names, i))) ? clients(word(names, i)) : '-') using 1:2:3:4 with yerrorlines ls i title title_of(i)

set output charts.'/pipeline.svg'
set title 'Claims a second by pipeline depth, 50 clients'
set xlabel 'requests sent at once by a client'
set xrange [0.8:80]
set xtics (1, 4, 16, 64)
plot for [i=1:3] (has(depths(word(names, i))) ? depths(word(names, i)) : '-') using 1:2:3:4 with yerrorlines ls i title title_of(i)

set output charts.'/latency.svg'
set title 'Latency at one rate for all: half of the peak of Redis, always (open loop)'
set xlabel 'percentile'
set ylabel 'milliseconds, from when the request was due'
set format y '%g'
set xrange [1:10000]
set xtics ('0' 1, '90' 10, '99' 100, '99.9' 1000, '99.99' 10000)
plot for [i=1:3] (has(percentiles(word(names, i))) ? percentiles(word(names, i)) : '-') using 1:($2/1000) with lines ls i title title_of(i)

set output charts.'/races.svg'
set title 'Races for one slot: answers of all racers'
set xlabel 'connections that race'
set ylabel 'milliseconds'
set xrange [4:1300]
set xtics (5, 10, 20, 30, 100, 1000)
plot figure('answer_us_average') using 1:2:3:4 with yerrorlines ls 1 title 'slotd, average', \
     figure('answer_us_max') using 1:2:3:4 with yerrorlines ls 4 title 'slotd, slowest', \
     (x <= 30 ? 350 : NaN) with lines ls 2 dt 2 title 'original, average', \
     (x <= 30 ? 800 : NaN) with lines ls 3 dt 2 title 'original, slowest'
