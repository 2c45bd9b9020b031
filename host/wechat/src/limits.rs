//! Every bound of this crate, with its unit and its reason.

/// What a callback, or an answer to one, may cost at most.
///
/// The first four bound hostile input, the rest keep us inside what WeChat accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest body read at all, in bytes, counted before any parsing.
    ///
    /// Real pushes stay below 8 KiB even in compatible mode, which is three times the size.
    pub body_bytes_max: usize,
    /// Most elements one body may hold, the root included.
    pub elements_max: usize,
    /// Deepest nesting below the root, so that a child of the root has depth 1.
    ///
    /// The deepest known push is a photo event: `SendPicsInfo/PicList/item/PicMd5Sum`, depth 4.
    pub depth_max: usize,
    /// How far the signed timestamp may lie from our clock, in seconds, before or after.
    ///
    /// WeChat names no maximum age. Ten minutes cover its retries (5 s, and one minute apart for
    /// card events) and bound for how long a copied request can be sent again.
    pub timestamp_skew_s_max: u64,
    /// Longest text answer, in UTF-8 bytes.
    pub text_reply_bytes_max: usize,
    /// Most articles in a news answer.
    pub articles_max: usize,
    /// Longest dedupe key, in bytes; a longer one is replaced by its SHA-1.
    ///
    /// Keys are stored under a unique index, and index rows are small on both databases.
    pub dedupe_key_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024,
            elements_max: 64,
            depth_max: 4,
            timestamp_skew_s_max: 600,
            text_reply_bytes_max: 2_048,
            articles_max: 8,
            dedupe_key_bytes_max: 512,
        }
    }
}
