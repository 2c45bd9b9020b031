//! Bodies: bounded in size and time, and read into what they mean with the field named that is wrong.

use crate::{config::EdgeLimits, error::ApiError};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::error::Error;

/// How many bytes this route's bodies may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyMax(pub usize);

/// Reads a body to its end.
///
/// # Errors
/// 413 beyond the limit, at the byte; 408 when it takes too long; 400 when it breaks off.
pub async fn read(headers: &HeaderMap, body: Body, max: BodyMax, limits: &EdgeLimits) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max.0 as u64) {
        return Err(too_large(max));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        // Nothing is unpacked here: a small body must not become a large one.
        return Err(ApiError::Request {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: "unsupported_media_type",
            text: "compressed bodies are not accepted; send it as it is".to_owned(),
        });
    }
    let read = tokio::time::timeout(limits.body_time(), Limited::new(body, max.0).collect()).await;
    match read {
        Err(_elapsed) => Err(ApiError::Request {
            status: StatusCode::REQUEST_TIMEOUT,
            code: "body_too_slow",
            text: format!("the body took longer than {} s", limits.body_seconds_max),
        }),
        Ok(Err(cause)) if is_too_long(cause.as_ref()) => Err(too_large(max)),
        Ok(Err(_broken)) => Err(ApiError::malformed("the body broke off; send the request again")),
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
    }
}

fn too_large(max: BodyMax) -> ApiError {
    ApiError::Request {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "body_too_large",
        text: format!("the body has more than {} bytes; send less at a time", max.0),
    }
}

fn is_too_long(mut cause: &(dyn Error + 'static)) -> bool {
    loop {
        if cause.is::<LengthLimitError>() {
            return true;
        }
        match cause.source() {
            Some(behind) => cause = behind,
            None => return false,
        }
    }
}

/// Refuses a body that does not say it is JSON.
///
/// # Errors
/// 415.
pub fn expect_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(ApiError::Request {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code: "unsupported_media_type",
        text: "send the body as JSON, with Content-Type: application/json".to_owned(),
    })
}

/// Reads JSON into what it means.
///
/// # Errors
/// 400 if it is no JSON, 422 naming the field that is not what it must be.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        unreadable(&path, error.inner())
    })?;
    json.end().map_err(|error| unreadable(".", &error))?;
    Ok(value)
}

fn unreadable(path: &str, error: &serde_json::Error) -> ApiError {
    match error.classify() {
        Category::Data => {
            let field = if path == "." { "body" } else { path };
            ApiError::invalid(field, in_words(&error.to_string()))
        }
        _ => ApiError::malformed(format!("the body is no JSON: line {}, column {}", error.line(), error.column())),
    }
}

/// The parser's words without its place in the text and without names of Rust types.
fn in_words(said: &str) -> String {
    let said = said.rsplit_once(" at line ").map_or(said, |(text, _)| text);
    let Some((text, expected)) = said.split_once(", expected ") else { return said.to_owned() };
    let plain = match expected {
        "i64" | "u64" | "u32" | "u16" | "u8" | "i32" | "usize" => "a whole number",
        "a sequence" => "a list",
        "a map" | "a JSON object" => "an object",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" => "a text",
        other if other.starts_with("struct ") || other.starts_with("internally tagged ") => "an object",
        other if other.starts_with("tuple ") => "a list",
        other => other,
    };
    format!("{text}, expected {plain}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::wire::{Amount, Quantity};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Basket {
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Line {
        quantity: Quantity,
        amount_fen: Amount,
    }

    fn refusal(json: &str) -> String {
        let error = parse::<Basket>(json.as_bytes()).expect_err(json);
        format!("{} {error}", error.status().as_u16())
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (json, says) in [
            (
                r#"{"lines":[{"quantity":1.0001,"amount_fen":1}]}"#,
                "422 lines[0].quantity: must be a decimal number with up to 3 decimals, such as 1, -2 or \"0.455\"",
            ),
            (
                r#"{"lines":[{"quantity":1,"amount_fen":1.5}]}"#,
                "422 lines[0].amount_fen: invalid type: floating point `1.5`, expected a whole number of fen, such as 1280 for 12.80 yuan",
            ),
            (r#"{"lines":[{"quantity":1}]}"#, "422 lines[0]: missing field `amount_fen`"),
            (r#"{"lines":{}}"#, "422 lines: invalid type: map, expected a list"),
            (r#"{"lines":[1]}"#, "422 lines[0]: invalid type: integer `1`, expected an object"),
            (r#"{"lines":[],"lines":[]}"#, "422 body: duplicate field `lines`"),
            (r#"{"lines":[]} x"#, "400 the body is no JSON: line 1, column 14"),
            ("", "400 the body is no JSON: line 1, column 0"),
            ("\u{feff}{}", "400 the body is no JSON: line 1, column 1"),
        ] {
            assert_eq!(refusal(json), says, "{json}");
        }
        assert!(refusal(r#"{"line":[]}"#).contains("unknown field `line`, expected `lines`"));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        assert!(refusal(&deep).starts_with("4"));
        let nested = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        assert!(refusal(&format!(r#"{{"lines":{nested}}}"#)).starts_with("4"));
    }

    #[tokio::test]
    async fn a_body_is_refused_at_its_limit() {
        let limits = EdgeLimits::default();
        let read = |size: usize| read_of(size, &limits);
        assert_eq!(read(10).await.expect("fits").len(), 10);
        assert_eq!(read(11).await.expect_err("too large").status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    async fn read_of(size: usize, limits: &EdgeLimits) -> Result<Bytes, ApiError> {
        read(&HeaderMap::new(), Body::from(vec![b' '; size]), BodyMax(10), limits).await
    }
}
