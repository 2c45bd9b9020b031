//! What is known of a member as a person: sealed at rest, masked when shown.

use crate::{
    error::ApiError,
    seal::{Field, Sealer},
};
use ledger::{MemberId, TenantId};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

/// Where a member's profile is sealed.
pub fn profile_field<'a>(tenant: &'a TenantId, member: &'a MemberId) -> Field<'a> {
    Field { table: "member", column: "profile_sealed", tenant: tenant.as_str(), row: member.as_str() }
}

/// What is known of the person, sealed at rest.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Mobile number in its one form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Membership card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
}

impl Drop for Profile {
    fn drop(&mut self) {
        self.phone.zeroize();
        self.name.zeroize();
        self.card.zeroize();
    }
}

impl Profile {
    /// Opens a stored profile; nothing is known without one.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if it does not open.
    pub fn open(
        sealer: &Sealer,
        tenant: &TenantId,
        member: &MemberId,
        sealed: Option<&[u8]>,
    ) -> Result<Self, ApiError> {
        let Some(sealed) = sealed else { return Ok(Self::default()) };
        let plain = sealer.open(profile_field(tenant, member), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| ApiError::internal("a stored profile is not in its form"))
    }

    /// Seals it for the member's row.
    ///
    /// # Errors
    /// [`ApiError::Internal`] without random bytes.
    pub fn seal(&self, sealer: &Sealer, tenant: &TenantId, member: &MemberId) -> Result<Vec<u8>, ApiError> {
        let plain = Zeroizing::new(serde_json::to_vec(self).map_err(ApiError::internal)?);
        Ok(sealer.seal(profile_field(tenant, member), &plain)?)
    }
}
