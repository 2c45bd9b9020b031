//! Notices to a third-party platform about the official accounts that authorized it.

use crate::callback::Format;
use crate::element::Element;
use crate::error::Error;
use crate::limits::Limits;
use crate::masked::{Secret, Text};
use crate::message::{created_at_s, dedupe, required};

/// A notice to the platform's authorization-event address, already verified.
///
/// It must be answered with the bare word `success`.
#[derive(Clone, Debug)]
pub struct ComponentNotice {
    /// The platform's own appid.
    pub app_id: Text,
    /// When it happened, in Unix seconds.
    pub created_at_s: i64,
    /// What happened.
    pub kind: ComponentNoticeKind,
    dedupe_key: Text,
}

/// What a component notice says.
#[derive(Clone, Debug)]
pub enum ComponentNoticeKind {
    /// The newest ticket for the platform's token: pushed every ten minutes, valid twelve hours.
    VerifyTicket {
        /// The ticket.
        ticket: Secret,
    },
    /// An official account authorized the platform: exchange the code.
    Authorized(Authorization),
    /// It changed what it permits: exchange the code again.
    AuthorizationUpdated(Authorization),
    /// It withdrew: drop its tokens.
    Unauthorized {
        /// The official account's appid.
        authorizer_app_id: Text,
    },
    /// A notice this version does not know.
    Other {
        /// The `InfoType`, in lower case.
        info_type: String,
    },
}

/// One authorization, not exchanged yet.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// The official account's appid.
    pub authorizer_app_id: Text,
    /// The code to exchange.
    pub code: Secret,
    /// When the code expires, in Unix seconds, if WeChat said so.
    pub code_expires_at_s: Option<i64>,
    /// The pre-authorization code it came from, which names our own link.
    pub pre_auth_code: Secret,
}

impl ComponentNotice {
    /// Reads a notice from its verified text.
    ///
    /// # Errors
    /// What is wrong with the text, or [`Error::MissingField`] without an appid, a time or a type.
    pub fn parse(plaintext: &Text, format: Format, limits: &Limits) -> Result<Self, Error> {
        let fields = format.parse(plaintext.as_str().as_bytes(), limits)?;
        let info_type = required(&fields, "InfoType")?.trim().to_ascii_lowercase();
        Ok(Self {
            app_id: Text::new(required(&fields, "AppId")?),
            created_at_s: created_at_s(&fields)?,
            kind: ComponentNoticeKind::read(info_type, &fields),
            dedupe_key: Text::new(dedupe::component_key(&fields, limits)),
        })
    }

    /// The name of this notice: `AppId|CreateTime|InfoType|AuthorizerAppid`.
    #[must_use]
    pub fn dedupe_key(&self) -> &str {
        self.dedupe_key.as_str()
    }
}

impl ComponentNoticeKind {
    fn read(info_type: String, fields: &Element) -> Self {
        match info_type.as_str() {
            "component_verify_ticket" => {
                Self::VerifyTicket { ticket: Secret::new(fields.value("ComponentVerifyTicket")) }
            }
            "authorized" => Self::Authorized(Authorization::read(fields)),
            "updateauthorized" => Self::AuthorizationUpdated(Authorization::read(fields)),
            "unauthorized" => Self::Unauthorized { authorizer_app_id: fields.text_of("AuthorizerAppid") },
            _ => Self::Other { info_type },
        }
    }
}

impl Authorization {
    fn read(fields: &Element) -> Self {
        Self {
            authorizer_app_id: fields.text_of("AuthorizerAppid"),
            code: Secret::new(fields.value("AuthorizationCode")),
            code_expires_at_s: fields.number("AuthorizationCodeExpiredTime"),
            pre_auth_code: Secret::new(fields.value("PreAuthCode")),
        }
    }
}
