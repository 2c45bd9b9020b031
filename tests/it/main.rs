//! One binary for all integration tests. `PUNCHCARD_TEST_DB=postgres` runs them on PostgreSQL.

mod baskets;
mod journal;
