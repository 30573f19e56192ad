-- nothing
/* to /* see */ here */
