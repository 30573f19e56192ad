CREATE TABLE a AS SELECT '1 $${mykey}' AS a, '2 $$${mykey}' AS b, '3 $$$${mykey}' AS c, '4 $${unknown}' AS d, $x$${mykey}$x$ AS e, '6 $ ${mykey}$' AS f;
