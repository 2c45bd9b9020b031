//! The one source of random bytes: the operating system's, owned by the app so that nothing else draws any.

/// Random bytes for keys, tokens, nonces and names. Never used to decide anything.
#[derive(Debug, Default, Clone, Copy)]
pub struct Entropy;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoEntropy(getrandom::Error);

impl Entropy {
    /// `N` random bytes.
    ///
    /// # Errors
    /// [`NoEntropy`] if the operating system has none, which on Linux means that it is broken.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(NoEntropy)?;
        Ok(bytes)
    }

    /// 64 random bits.
    ///
    /// # Errors
    /// As [`Entropy::bytes`].
    pub fn bits(&self) -> Result<u64, NoEntropy> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// `N` random bytes as lower-case hex.
    ///
    /// # Errors
    /// As [`Entropy::bytes`].
    pub fn hex<const N: usize>(&self) -> Result<String, NoEntropy> {
        self.bytes::<N>().map(hex::encode)
    }

    /// `count` random decimal digits, each equally likely.
    ///
    /// # Errors
    /// As [`Entropy::bytes`].
    pub fn digits(&self, count: usize) -> Result<String, NoEntropy> {
        let mut digits = String::with_capacity(count);
        while digits.len() < count {
            // 250 is the largest multiple of ten a byte holds: the rest would favour small digits.
            let fair = self.bytes::<32>()?.into_iter().filter(|byte| *byte < 250);
            digits.extend(fair.map(|byte| char::from(b'0' + byte % 10)).take(count - digits.len()));
        }
        Ok(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_as_many_as_asked_for() {
        for count in [0, 1, 16, 40] {
            let digits = Entropy.digits(count).expect("random bytes");
            assert_eq!(digits.len(), count);
            assert!(digits.bytes().all(|d| d.is_ascii_digit()));
        }
    }
}
