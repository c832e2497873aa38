# Draws docs/popularity.svg: run `gnuplot popularity.gp` in this folder. Both axes are relative to the number of items, so
# that two data sets of different size can be compared: 1 is an item with as many rows as the average item.
set terminal svg size 720,440 font "sans,14" background "white"
set output "popularity.svg"
set logscale xy
set xlabel "rank of the item / number of items"
set ylabel "rows of the item / mean rows of an item"
set xrange [0.0005:1]
set yrange [0.01:20]
set grid lc rgb "#dddddd"
set border 3
set tics nomirror
set key top right
plot "popularity.tsv" index 1 using ($1 / 1682):($2 * 1682) with lines lw 2.5 lc rgb "#0072b2" title "MovieLens 100K (1682 items)", \
     "popularity.tsv" index 0 using ($1 / 400):($2 * 400) with lines lw 2.5 lc rgb "#d55e00" title "synthetic, movies (400 items)"
