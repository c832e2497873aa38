# Made by harness. Draw with: gnuplot FILE
set terminal svg noenhanced size 960,409 font 'sans-serif,12' background rgb 'white'
set encoding utf8
set output 'x.svg'
set style line 100 lc rgb '#DDDDDD' lw 1
set border 3 lc rgb '#777777'
set tics textcolor rgb '#222222'
set style fill solid 1.0 noborder
set tics nomirror
set format '%g'
set multiplot
set label 1 'Accuracy by problem' at screen 0.01667, screen 0.94132 left font 'sans-serif,16' textcolor rgb '#111111'
set label 5 'made: ndcg@10, target books, from movies; generated data; LEAKAGE, see the table; 95 % confidence intervals over users' at screen 0.01667, screen 0.88509 left font 'sans-serif,11' textcolor rgb '#555555'
set errorbars 0.5
set key at screen 0.87875, screen 0.82885 left top vertical maxrows 4 Left reverse samplen 1 spacing 1.2
$bars0 << EOD
# series value y low high thickness-low thickness-high
0 0.022965500000000003 0.9 0.02083700420018944 0.025093995799810566 0.44 1.36
1 0.022965500000000003 1.9 0.02083700420018944 0.025093995799810566 1.44 2.36
2 0.022965500000000003 2.9 0.02083700420018944 0.025093995799810566 2.44 3.36
3 0.023253000000000003 3.9 0.021665229743641237 0.02484077025635877 3.44 4.36
0 0.03929000000000001 5.7 0.03562948193387014 0.042950518066129886 5.24 6.16
1 0.03929000000000001 6.7 0.03562948193387014 0.042950518066129886 6.24 7.16
2 0.03929000000000001 7.7 0.03562948193387014 0.042950518066129886 7.24 8.16
3 0.039790000000000006 8.7 0.03702258112827252 0.04255741887172749 8.24 9.16
0 0.06542250000000001 10.5 0.05944213083989788 0.07140286916010213 10.04 10.96
1 0.10110750000000002 11.5 0.09186511129802401 0.11034988870197603 11.04 11.96
2 0.14571375 12.5 0.13239383687068162 0.15903366312931838 12.04 12.96
3 0.05650125000000002 13.5 0.05133638572536636 0.06166611427463367 13.04 13.96
0 0.100925 17.1 0.09188581958555518 0.10996418041444482 16.64 17.56
1 0.137258 18.1 0.12496471463635504 0.14955128536364495 17.64 18.56
2 0.18267424999999995 19.1 0.16631333344985483 0.19903516655014508 18.64 19.56
3 0.091830375 20.1 0.0856705144354735 0.09799023556452652 19.64 20.56
EOD
set ytics ('random' 2.4, 'popularity' 7.2, 'itemknn neighbors=20' 12, 'userknn' 15.3, 'content' 18.6) scale 0
set label 100 'failed' at first 0, first 15.3 left offset 0.4,0 font 'sans-serif,10' textcolor rgb '#999999'
set lmargin at screen 0.17500
set rmargin at screen 0.86375
set tmargin at screen 0.82885
set bmargin at screen 0.16137
set yrange [21:0]
set xrange [0:0.222919]
set grid xtics ls 100
set border 1
set xtics scale 0.5 autofreq
set xlabel 'ndcg@10'
plot $bars0 using ($1 == 0 ? $2 : NaN):3:(0):2:6:7 with boxxyerror lc rgb '#0072B2' title 'cold k=1', \
     $bars0 using ($1 == 1 ? $2 : NaN):3:(0):2:6:7 with boxxyerror lc rgb '#E69F00' title 'cold k=5', \
     $bars0 using ($1 == 2 ? $2 : NaN):3:(0):2:6:7 with boxxyerror lc rgb '#009E73' title 'cold k=10', \
     $bars0 using ($1 == 3 ? $2 : NaN):3:(0):2:6:7 with boxxyerror lc rgb '#CC79A7' title 'warm', \
     $bars0 using 2:3:4:5 with xerrorbars pt 0 lw 1.2 lc rgb '#000000' notitle, \
     $bars0 using ($5 > $2 ? $5 : $2):3:(sprintf('%.3f', $2)) with labels left offset 0.4,0 font 'sans-serif,9' textcolor rgb '#333333' notitle
unset label
unset key
unset multiplot
