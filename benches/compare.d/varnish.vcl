# Varnish as benches/compare starts it, with the options in varnish.options. All else is the built-in VCL, which collapses
# requests for one key and keeps connections to the origin.
vcl 4.1;

backend origin {
    .host = "127.0.0.1";
    .port = "@origin@";
}

sub vcl_recv {
    if (req.url ~ "^/private/") {
        return (pass);
    }
}
