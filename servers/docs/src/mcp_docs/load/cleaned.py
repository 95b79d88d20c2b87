"""HTML as a browser would build it, without what runs, loads or is a form: the first filter.

Pure: no clock, no network, no state. Malformed HTML means different things to different parsers:
what this one, an HTML5 parser, makes of it is what `blocks` gets to see.
"""

import nh3

# fmt: off
DROPPED = frozenset({
    "applet", "area", "audio", "base", "basefont", "bgsound", "button", "canvas", "datalist",
    "dialog", "embed", "fieldset", "form", "frame", "frameset", "head", "iframe", "image", "img",
    "input", "label", "link", "map", "marquee", "math", "meta", "nav", "noembed", "noframes",
    "noscript", "object", "optgroup", "option", "param", "picture", "plaintext", "portal", "script",
    "select", "source", "style", "svg", "template", "textarea", "title", "track", "video", "xmp",
})
_KEPT = {
    "a", "abbr", "address", "article", "aside", "b", "bdi", "blockquote", "br", "caption", "cite",
    "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption",
    "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "i", "ins",
    "kbd", "li", "main", "mark", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr",
    "tt", "u", "ul", "var",
}
# fmt: on
# what says that an element is not shown: `blocks` leaves such elements out
_SAYS_HIDDEN = {"hidden", "style", "aria-hidden", "class"}


def cleaned(html: str) -> str:
    return nh3.clean(
        html,
        tags=_KEPT,
        clean_content_tags=set(DROPPED),
        attributes={"*": _SAYS_HIDDEN, "a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        strip_comments=True,
        link_rel=None,
    )
