# Made by harness. Draw with: gnuplot FILE
set terminal pdfcairo noenhanced size 10.00in,5.29in font 'sans-serif,12' background rgb 'white' fontscale 0.58 linewidth 1.5 pointscale 0.8
set encoding utf8
set output 'x.pdf'
set style line 100 lc rgb '#DDDDDD' lw 1
set border 3 lc rgb '#777777'
set tics textcolor rgb '#222222'
set style fill solid 1.0 noborder
set tics nomirror
set format '%g'
set multiplot
set label 1 'A made experiment' at screen 0.01667, screen 0.95272 left font 'sans-serif,16' textcolor rgb '#111111'
set label 5 'made: rmse, target books, from movies; generated data; LEAKAGE, see the table' at screen 0.01667, screen 0.90741 left font 'sans-serif,11' textcolor rgb '#555555'
set errorbars 0.5
set key at screen 0.79625, screen 0.81954 left top vertical maxrows 5 Left reverse samplen 2.5 spacing 1.2
$line0_0 << EOD
# x value low high
 1 NaN NaN NaN
 5 NaN NaN NaN
 10 NaN NaN NaN
EOD
$line0_1 << EOD
# x value low high
 1 NaN NaN NaN
 5 NaN NaN NaN
 10 NaN NaN NaN
EOD
$line0_2 << EOD
# x value low high
 1 1.4327918232758567 NaN NaN
 5 1.3962570800040865 NaN NaN
 10 1.350725627743217 NaN NaN
EOD
$line0_3 << EOD
# x value low high
 1 NaN NaN NaN
 5 NaN NaN NaN
 10 NaN NaN NaN
EOD
$line0_4 << EOD
# x value low high
 1 1.3995981153943386 NaN NaN
 5 1.3636305732971703 NaN NaN
 10 1.318821121985902 NaN NaN
EOD
set lmargin at screen 0.08750
set rmargin at screen 0.78125
set tmargin at screen 0.81954
set bmargin at screen 0.11032
set label 3 'cold' at screen 0.08750, screen 0.84712 left font 'sans-serif,13' textcolor rgb '#111111'
set xrange [0.64:10.36]
set xtics ('1' 1, '5' 5, '10' 10) scale 0.5
set xlabel 'k'
set yrange [1.31198:1.43963]
set ytics scale 0.5 autofreq
set ylabel 'rmse (lower is better)'
set grid ytics ls 100
set border 3
plot $line0_0 using 1:2:3:4 with yerrorbars pt 0 lw 1 lc rgb '#800072B2' notitle, \
     $line0_1 using 1:2:3:4 with yerrorbars pt 0 lw 1 lc rgb '#80E69F00' notitle, \
     $line0_2 using 1:2:3:4 with yerrorbars pt 0 lw 1 lc rgb '#80009E73' notitle, \
     $line0_3 using 1:2:3:4 with yerrorbars pt 0 lw 1 lc rgb '#80CC79A7' notitle, \
     $line0_4 using 1:2:3:4 with yerrorbars pt 0 lw 1 lc rgb '#8056B4E9' notitle, \
     $line0_0 using 1:2 with linespoints lw 2 dt 1 pt 7 ps 0.9 lc rgb '#0072B2' title 'random (undefined)', \
     $line0_1 using 1:2 with linespoints lw 2 dt 1 pt 5 ps 0.9 lc rgb '#E69F00' title 'popularity (undefined)', \
     $line0_2 using 1:2 with linespoints lw 2 dt 1 pt 9 ps 0.9 lc rgb '#009E73' title 'itemknn neighbors=20', \
     $line0_3 using 1:2 with linespoints lw 2 dt 1 pt 11 ps 0.9 lc rgb '#CC79A7' title 'userknn (failed)', \
     $line0_4 using 1:2 with linespoints lw 2 dt 1 pt 13 ps 0.9 lc rgb '#56B4E9' title 'content'
unset label
unset key
unset multiplot
