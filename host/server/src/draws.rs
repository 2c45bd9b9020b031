//! Draws: the secret is sealed and its hash published when a draw opens; the secret itself when it closes.

use crate::{
    error::ApiError,
    seal::{Field, Sealer},
};
use db::campaign::CampaignRow;
use ledger::TenantId;

/// Where a campaign's secret is sealed.
pub(crate) fn field<'a>(tenant: &'a TenantId, campaign: &'a str) -> Field<'a> {
    Field { table: "campaign", column: "secret_sealed", tenant: tenant.as_str(), row: campaign }
}

/// Opens the secret of a campaign.
pub(crate) fn unseal(sealer: &Sealer, tenant: &TenantId, row: &CampaignRow) -> Result<[u8; 32], ApiError> {
    let secret = sealer.open(field(tenant, &row.campaign), &row.secret_sealed).map_err(ApiError::internal)?;
    secret.as_slice().try_into().map_err(|_| ApiError::internal("a draw's secret must have 32 bytes"))
}
