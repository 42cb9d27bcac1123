-- Says which request it was; the access log says how long its body was.
require "apache2"

function handle(r)
    r.notes["target"] = r.unparsed_uri
    r.headers_out["x-seen"] = r.method .. " " .. r.unparsed_uri
    r.content_type = "text/plain"
    return apache2.OK
end
