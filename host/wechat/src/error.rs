//! Why a callback was refused, for us; whoever sent it learns almost nothing.

/// Why WeChat's push was refused, or why an answer or a setting is unusable.
///
/// The variants are for counters and for our own log. Outwardly there is **one answer for all**:
/// the status of [`Error::http_status`] with an empty body. Signature, key, padding, length,
/// appid and everything found after decryption look the same from outside, so that nobody can use
/// the difference to read or forge a ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The callback token is empty, too long or not printable ASCII.
    #[error("a callback token has 1 to {bytes_max} printable ASCII characters")]
    BadToken {
        /// The longest accepted token, in bytes.
        bytes_max: usize,
    },
    /// The `EncodingAESKey` does not have the official form.
    #[error("an EncodingAESKey has {characters} letters and digits")]
    BadAesKey {
        /// How many characters it must have.
        characters: usize,
    },
    /// The appid is empty, too long or not printable ASCII.
    #[error("an appid has 1 to {bytes_max} printable ASCII characters")]
    BadAppId {
        /// The longest accepted appid, in bytes.
        bytes_max: usize,
    },
    /// A mini program session key or initialization vector is not 16 bytes in base64.
    #[error("a session key and its vector are {bytes} bytes in base64")]
    BadSessionKey {
        /// How many bytes are behind the base64.
        bytes: usize,
    },

    /// The address lacks a parameter that the mode needs.
    #[error("query parameter {name} is missing")]
    MissingParameter {
        /// The parameter's name.
        name: &'static str,
    },
    /// The `timestamp` parameter is not a whole number of seconds.
    #[error("query parameter timestamp is not a number")]
    BadTimestamp,
    /// The body is larger than [`crate::Limits::body_bytes_max`].
    #[error("the body has {bytes} bytes, more than {bytes_max}")]
    BodyTooLarge {
        /// Size of the body.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The body is not UTF-8.
    #[error("the body is not utf-8")]
    NotUtf8,
    /// The body is not well-formed XML or JSON of the expected shape.
    #[error("the body is not well formed")]
    Malformed,
    /// The body holds a DOCTYPE, a comment, an instruction, an attribute or an unknown entity.
    #[error("the body holds markup that WeChat never sends")]
    ForbiddenMarkup,
    /// The body holds more elements than [`crate::Limits::elements_max`].
    #[error("the body has more than {elements_max} elements")]
    TooManyElements {
        /// The limit.
        elements_max: usize,
    },
    /// The body nests deeper than [`crate::Limits::depth_max`].
    #[error("the body nests deeper than {depth_max}")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// A field every message has is missing, empty or not of its type.
    #[error("field {name} is missing or unreadable")]
    MissingField {
        /// The field's name.
        name: &'static str,
    },
    /// `Encrypt` is there but empty.
    #[error("the ciphertext is empty")]
    EmptyCiphertext,

    /// The signature was not made with this callback's token.
    #[error("the signature does not match")]
    Signature,
    /// The signed time is too far from ours: replayed, or a clock is wrong.
    #[error("the timestamp is {skew_s} s away, more than {skew_s_max} s")]
    Stale {
        /// Distance between the signed time and ours, in seconds.
        skew_s: u64,
        /// The limit.
        skew_s_max: u64,
    },
    /// A plain body where only an encrypted one is accepted.
    #[error("the body is not encrypted, but the mode demands it")]
    NotEncrypted,
    /// The ciphertext is not base64 (WeChat's sample code: -40010).
    #[error("the ciphertext is not base64")]
    Base64,
    /// The ciphertext is not a whole number of AES blocks (-40007).
    #[error("the ciphertext has {bytes} bytes, not whole blocks")]
    BlockLength {
        /// Size of the ciphertext.
        bytes: usize,
    },
    /// The padding is not 1 to 32 equal bytes naming their own number.
    #[error("the padding is wrong")]
    Padding,
    /// Fewer bytes than the random prefix and the length field need (-40008).
    #[error("the decrypted text has only {bytes} bytes")]
    TooShort {
        /// Size of what was decrypted.
        bytes: usize,
    },
    /// The length field points outside of the decrypted text.
    #[error("the length field says {claimed} bytes, but {held} are there")]
    MessageLength {
        /// What the field says.
        claimed: usize,
        /// What follows the field.
        held: usize,
    },
    /// The text was made for another appid (-40005).
    #[error("the ciphertext is for another appid")]
    AppId,
    /// `ToUserName` is not the official account this callback belongs to.
    #[error("the message is for another official account")]
    Addressee,
    /// The decrypted text is wrong in itself; the cause is never told apart outwardly.
    #[error("inside the ciphertext: {0}")]
    Inside(#[source] Box<Error>),

    /// The answer's text is empty or longer than WeChat takes.
    #[error("the answer has {bytes} bytes of text; 1 to {bytes_max} are possible")]
    ReplyLength {
        /// Size of the text.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A news answer without articles, or with too many.
    #[error("the answer has {count} articles; 1 to {count_max} are possible")]
    ReplyArticles {
        /// How many articles were given.
        count: usize,
        /// The limit.
        count_max: usize,
    },
    /// WeChat documents no JSON form of this kind of answer.
    #[error("a callback in JSON cannot answer with news")]
    ReplyFormat,
}

impl Error {
    /// The status of the refusal, to be sent with an empty body.
    ///
    /// 400 for what anyone can see is malformed without knowing a secret, 403 for the rest. The
    /// errors of settings and answers never travel to WeChat; they count as 403 here.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            Self::MissingParameter { .. }
            | Self::BadTimestamp
            | Self::BodyTooLarge { .. }
            | Self::NotUtf8
            | Self::Malformed
            | Self::ForbiddenMarkup
            | Self::TooManyElements { .. }
            | Self::TooDeep { .. }
            | Self::MissingField { .. }
            | Self::EmptyCiphertext => 400,
            _ => 403,
        }
    }

    /// A short stable word for counters; never sent out.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadToken { .. } => "bad_token",
            Self::BadAesKey { .. } => "bad_aes_key",
            Self::BadAppId { .. } => "bad_appid",
            Self::BadSessionKey { .. } => "bad_session_key",
            Self::MissingParameter { .. } => "missing_parameter",
            Self::BadTimestamp => "bad_timestamp",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::NotUtf8 => "not_utf8",
            Self::Malformed => "malformed",
            Self::ForbiddenMarkup => "forbidden_markup",
            Self::TooManyElements { .. } => "too_many_elements",
            Self::TooDeep { .. } => "too_deep",
            Self::MissingField { .. } => "missing_field",
            Self::EmptyCiphertext => "empty_ciphertext",
            Self::Signature => "signature",
            Self::Stale { .. } => "stale",
            Self::NotEncrypted => "not_encrypted",
            Self::Base64 => "base64",
            Self::BlockLength { .. } => "block_length",
            Self::Padding => "padding",
            Self::TooShort { .. } => "too_short",
            Self::MessageLength { .. } => "message_length",
            Self::AppId => "appid",
            Self::Addressee => "addressee",
            Self::Inside(_) => "inside",
            Self::ReplyLength { .. } => "reply_length",
            Self::ReplyArticles { .. } => "reply_articles",
            Self::ReplyFormat => "reply_format",
        }
    }

    /// Marks an error as found after decryption, so that it looks like any other refusal.
    pub(crate) fn inside(self) -> Self {
        Self::Inside(Box::new(self))
    }
}
