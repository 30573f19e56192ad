-- Takes the mark from this backend, unless a script did: the server warns of an unlock in vain.
SELECT pg_catalog.pg_advisory_unlock_shared(%s::bigint)
 WHERE EXISTS (SELECT FROM pg_catalog.pg_locks AS l
                WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory'
                  AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
                  AND l.mode OPERATOR(pg_catalog.=) 'ShareLock'
                  AND l.granted
                  AND l.classid::bigint OPERATOR(pg_catalog.=) %s
                  AND l.objid::bigint OPERATOR(pg_catalog.=) %s
                  AND l.objsubid OPERATOR(pg_catalog.=) %s)
