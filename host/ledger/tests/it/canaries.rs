//! A checker that has not been seen to fail proves nothing: one seeded bug for each, which it must report.
