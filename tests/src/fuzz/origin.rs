//! Origins and the lists of those that may connect: read once, they read back the same, and who is let in is whom the
//! [slow reading](super::plain_origin) lets in.

use super::{Verdict, plain_origin};
use wsrelay_core::upgrade::{Origin, OriginPolicy};

/// The bytes are three lines of text: the list, the origin of a page, and the server's own.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(bytes) else { return Verdict::Refused };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (list, page, own) = (line(), line(), line());
    let page_origin = Origin::parse(page);
    for (text, origin) in [(page, &page_origin), (own, &Origin::parse(own))] {
        assert_eq!(origin.is_some(), plain_origin::origin(text).is_some(), "{text:?} as {origin:?}");
        if let Some(origin) = origin {
            let written = origin.to_string();
            assert_eq!(Origin::parse(&written).as_ref(), Some(origin), "{text:?} written as {written:?}");
            assert_eq!(plain_origin::origin(&written), plain_origin::origin(text));
        }
    }
    let plainly = plain_origin::lets_in(list, page);
    let Ok(policy) = OriginPolicy::parse(list) else {
        assert_eq!(plainly, None, "{list:?} is refused");
        return Verdict::Refused;
    };
    assert_eq!(Some(policy.allows(page_origin.as_ref(), None)), plainly, "{page:?} by {list:?}");
    let is_own = page_origin.is_some() && plain_origin::origin(page) == plain_origin::origin(own);
    let allowed = policy.allows(page_origin.as_ref(), Origin::parse(own).as_ref());
    assert_eq!(allowed, is_own || plainly == Some(true), "{page:?} by {list:?} at {own:?}");
    if policy != OriginPolicy::same_origin() {
        assert_eq!(
            OriginPolicy::parse(&policy.to_string()),
            Ok(policy.clone()),
            "{list:?} written as {policy}"
        );
    }
    Verdict::of(page_origin.is_some())
}
