//! Names of persons as one tenant knows them: in one form before they are indexed, masked before they are shown.

use std::fmt;
use zeroize::Zeroizing;

/// What kind of name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentityKind {
    /// A phone number.
    Phone,
    /// A membership card.
    Card,
    /// A follower of an official account.
    OpenId,
    /// A code shown on the phone; never stored, only its index is asked for.
    PayCode,
}

impl IdentityKind {
    /// The name it has in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Card => "card",
            Self::OpenId => "openid",
            Self::PayCode => "pay_code",
        }
    }
}

/// A mobile number in one form: 11 digits for China, `+` and digits for the rest of the world.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(Zeroizing<String>);

/// Not a mobile number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a mobile number: 11 digits beginning with 13 to 19, or + and the country code")]
pub struct BadPhone;

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask_phone(&self.0))
    }
}

impl Phone {
    /// Reads a number as people write it: spaces and dashes do not count, `+86`, `0086` and `86` are China.
    ///
    /// # Errors
    /// [`BadPhone`] if it cannot be a mobile number.
    pub fn parse(text: &str) -> Result<Self, BadPhone> {
        let bare: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect());
        let national = ["+86", "0086", "86"].iter().filter_map(|prefix| bare.strip_prefix(prefix));
        if let Some(number) = national.chain([bare.as_str()]).find(|number| is_mainland(number)) {
            return Ok(Self(Zeroizing::new(number.to_owned())));
        }
        match bare.strip_prefix('+') {
            Some(digits)
                if (6..=15).contains(&digits.len())
                    && !digits.starts_with(['0'])
                    && !digits.starts_with("86")
                    && digits.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Ok(Self(bare))
            }
            _ => Err(BadPhone),
        }
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_mainland(number: &str) -> bool {
    let mut digits = number.bytes();
    number.len() == 11
        && number.bytes().all(|b| b.is_ascii_digit())
        && digits.next() == Some(b'1')
        && digits.next().is_some_and(|second| (b'3'..=b'9').contains(&second))
}

/// A number as it may be shown: `138****1234`.
pub fn mask_phone(phone: &str) -> String {
    let count = phone.chars().count();
    let keep = |range: std::ops::Range<usize>| phone.chars().skip(range.start).take(range.len()).collect::<String>();
    if count < 8 {
        return "****".to_owned();
    }
    format!("{}****{}", keep(0..3), keep(count - 4..count))
}

/// A card number as it may be shown: `****5678`.
pub fn mask_card(card: &str) -> String {
    let count = card.chars().count();
    let shown: String = card.chars().skip(count.saturating_sub(4).max(count / 2)).collect();
    format!("****{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_has_one_form_however_it_is_written() {
        for written in ["13812341234", "+86 138 1234 1234", "0086-13812341234", "8613812341234", "138-1234-1234"] {
            assert_eq!(Phone::parse(written).expect(written).as_str(), "13812341234");
        }
        assert_eq!(Phone::parse("+852 9123 4567").expect("Hong Kong").as_str(), "+85291234567");
    }

    #[test]
    fn what_is_no_phone_is_refused() {
        for written in [
            "",
            "1381234123",
            "12812341234",
            "138123412345",
            "1381234123a",
            "+8612812341234",
            "+0123456",
            "１３８１２３４１２３４",
        ] {
            assert_eq!(Phone::parse(written), Err(BadPhone), "{written}");
        }
    }

    #[test]
    fn what_is_shown_hides_the_middle() {
        assert_eq!(mask_phone("13812341234"), "138****1234");
        assert_eq!(mask_phone("+85291234567"), "+85****4567");
        assert_eq!(mask_phone("1234567"), "****");
        assert_eq!(mask_card("880012345678"), "****5678");
        assert_eq!(mask_card("123"), "****23");
        assert_eq!(format!("{:?}", Phone::parse("13812341234").expect("a phone")), "138****1234");
    }
}
