//! HTML and XML: text that means nothing in either, the frame of a page, and XML documents made of elements and links.

use std::fmt::Write;

use http::header::CONTENT_SECURITY_POLICY;

use super::answer::Answer;

const STYLE: &str =
    "body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border-bottom: 1px solid #bbb; padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
";

/// An HTML page; `body` is HTML that follows the title.
pub(super) fn page(title: &str, body: &str) -> Answer {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'";
    Answer::whole("text/html; charset=utf-8", page).field(CONTENT_SECURITY_POLICY, policy)
}

/// The text, such that it is only text in HTML and XML, between tags as in attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// An XML document being written, element by element.
#[derive(Debug)]
pub(super) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// A document whose root element has that name and those attributes.
    pub(super) fn new(root: &'static str, attributes: &[(&str, &str)]) -> Self {
        let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_owned();
        let mut document = Self { text, open: Vec::new() };
        document.begin(root, attributes, ">");
        document.open.push(root);
        document
    }

    /// An element that holds what `inside` writes.
    pub(super) fn element(mut self, name: &'static str, inside: impl FnOnce(Self) -> Self) -> Self {
        self.begin(name, &[], ">");
        self.open.push(name);
        let mut after = inside(self);
        after.close();
        after
    }

    /// An element that holds only text.
    pub(super) fn text(mut self, name: &str, text: &str) -> Self {
        self.indent();
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "<{name}>{}</{name}>", escape(text));
        self
    }

    /// An element that holds nothing.
    pub(super) fn empty(mut self, name: &str, attributes: &[(&str, &str)]) -> Self {
        self.begin(name, attributes, " />");
        self
    }

    /// The document as an answer.
    pub(super) fn answer(mut self) -> Answer {
        while !self.open.is_empty() {
            self.close();
        }
        Answer::whole("application/xml; charset=utf-8", self.text)
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.indent();
        let _ = write!(self.text, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.text, " {name}=\"{}\"", escape(value));
        }
        let _ = writeln!(self.text, "{end}");
    }

    fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            let _ = writeln!(self.text, "</{name}>");
        }
    }

    fn indent(&mut self) {
        for _ in &self.open {
            self.text.push_str("  ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_text_is_only_text() {
        let document = Xml::new("a", &[("b", "\"<&>'")])
            .element("c", |xml| xml.text("d", "1 < 2 & 3").empty("e", &[]))
            .answer();
        let (Some(super::super::answer::Tag::Content(bytes)), _) = document.validators() else {
            panic!("{document:?}")
        };
        assert_eq!(
            bytes,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a b=\"&quot;&lt;&amp;&gt;&#39;\">\n  <c>\n    \
             <d>1 &lt; 2 &amp; 3</d>\n    <e />\n  </c>\n</a>\n"
        );
    }
}
