SELECT nothing_like_this();
