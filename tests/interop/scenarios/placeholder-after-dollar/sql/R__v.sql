CREATE VIEW v AS SELECT '$${mykey} $$${mykey} $' AS a;
